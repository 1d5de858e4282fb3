"""Price files: when a close was known, and what damage does."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from keeper.errors import InputError, MarketDataError
from keeper.sources.finding import Fault
from keeper.sources.price_files import PriceFile, read_prices

PRICES = Path(__file__).resolve().parents[4] / "shared" / "data" / "prices"
given = pytest.mark.skipif(not PRICES.is_dir(), reason="the reference prices are not here")


def seconds(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp())


def write(folder, *rows, header="timestamp_utc,btc_usd,eth_usd"):
    path = folder / "prices.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


HOURS = tuple(f"2026-01-01 {hour:02}:00:00,{90000 + hour},{3000 + hour}" for hour in range(8))


def faults(read):
    return [(finding.fault, finding.rows) for finding in read.findings]


def test_read_prices__hourly__known_an_hour_after_the_label(tmp_path):
    read = read_prices(write(tmp_path, *HOURS))
    history = read.history
    assert read.findings == ()
    assert history.symbols == ("BTC", "ETH")
    assert history.step_seconds == 3_600
    assert history.known_at[0] == seconds(2026, 1, 1, 1)
    assert history.close_usd[0].tolist() == [90000, 3000]
    assert len(history) == 8


def test_read_prices__daily__known_at_the_midnight_after(tmp_path):
    header = "date_utc,btc_usd,eth_usd"
    history = read_prices(write(tmp_path, "2026-01-01,9e4,3e3", header=header)).history
    assert history.known_at.tolist() == [seconds(2026, 1, 2)]
    assert history.step_seconds == 86_400


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("2026-01-01 03:00:00,,3000", Fault.PRICE),
        ("2026-01-01 03:00:00,0,3000", Fault.PRICE),
        ("2026-01-01 03:00:00,-5,3000", Fault.PRICE),
        ("2026-01-01 03:00:00,nan,3000", Fault.PRICE),
        ("2026-01-01 03:00:00,inf,3000", Fault.PRICE),
        ("2026-01-01 03:00:00,90000", Fault.FIELDS),
        ("2026-01-01 03:30:00,90000,3000", Fault.LABEL),
        ("yesterday,90000,3000", Fault.LABEL),
        ("2026-01-01 01:00:00,90000,3000", Fault.CLOCK),
        (HOURS[2], Fault.DUPLICATE),
        ("2026-01-01 03:00:00,190000,3000", Fault.JUMP),
        ("2026-01-01 03:00:00,90000,300", Fault.JUMP),
    ],
)
def test_read_prices__bad_row__is_refused_and_leaves_a_gap(tmp_path, row, fault):
    read = read_prices(write(tmp_path, *HOURS[:3], row, *HOURS[4:]))
    assert faults(read) == [(fault, (5,)), (Fault.GAP, (6,))]
    assert len(read.history) == 7
    assert np.all(np.diff(read.history.known_at) > 0)


def test_read_prices__gap__row_after_it_and_how_much(tmp_path):
    read = read_prices(write(tmp_path, *HOURS[:2], *HOURS[5:]))
    assert faults(read) == [(Fault.GAP, (4,))]
    assert "3 missing" in read.findings[0].text()


def test_read_prices__price_that_moves_for_good__is_believed(tmp_path):
    moved = [row.replace(",90", ",290") for row in HOURS[4:]]
    read = read_prices(write(tmp_path, *HOURS[:4], *moved))
    assert read.findings == ()


@pytest.mark.parametrize("stamp", ["2099-01-01 00:00:00", "2025-12-31 07:00:00"])
@pytest.mark.parametrize("at", [0, 3, 7])
def test_read_prices__one_wrong_stamp__costs_its_own_row_alone(tmp_path, stamp, at):
    wrong = f"{stamp},{HOURS[at].split(',', 1)[1]}"
    read = read_prices(write(tmp_path, *HOURS[:at], wrong, *HOURS[at + 1 :]))
    hours = [seconds(2026, 1, 1, 1 + n) for n in range(8)]
    if (at, stamp[:4]) in {(0, "2025"), (7, "2099")}:  # at its end of the file it is only a gap
        assert [fault for fault, _ in faults(read)] == [Fault.GAP]
    else:
        assert (Fault.CLOCK, (at + 2,)) in faults(read)
        assert read.history.known_at.tolist() == hours[:at] + hours[at + 1 :]


def test_read_prices__gz__is_unpacked_and_a_truncated_one_refused(tmp_path):
    plain = write(tmp_path, *HOURS)
    packed = tmp_path / "prices.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    here, there = read_prices(plain).history, read_prices(packed).history
    assert there.known_at.tolist() == here.known_at.tolist()
    assert there.close_usd.tolist() == here.close_usd.tolist()
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"prices\.csv\.gz: the file ends too early"):
        read_prices(packed)
    packed.write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"prices\.csv\.gz: Not a gzipped file"):
        read_prices(packed)


def test_read_prices__nothing_to_use__says_why(tmp_path):
    with pytest.raises(MarketDataError, match="price is missing"):
        PriceFile(write(tmp_path, "2026-01-01 03:00:00,,3000")).read()
    for header in ("time,btc_usd", "date_utc", "date_utc,btc", "date_utc,a_usd,a_usd"):
        with pytest.raises(InputError, match="date_utc or timestamp_utc"):
            read_prices(write(tmp_path, header=header))
    with pytest.raises(InputError, match="absent"):
        read_prices(tmp_path / "absent.csv")


@given
def test_read_prices__hourly_and_daily_files__tell_the_same_close_at_the_same_time():
    """The label trap, on real files: a shift of an hour would show at once."""
    daily = read_prices(PRICES / "btc_eth_1d_2019_2025.csv").history
    hourly = read_prices(PRICES / "btc_eth_1h_2022_2025.csv").history
    both, left, right = np.intersect1d(daily.known_at, hourly.known_at, return_indices=True)
    assert len(both) > 1_300
    ratio = np.abs(np.log(daily.close_usd[left, 1] / hourly.close_usd[right, 1]))
    assert np.quantile(ratio, 0.99) == 0.0
    early = np.abs(np.log(daily.close_usd[left, 1] / hourly.close_usd[right - 1, 1]))
    assert np.median(early) > 1e-3


@given
@pytest.mark.parametrize(
    ("file", "rows", "gaps"),
    [
        ("btc_eth_1d_2019_2025.csv", 2_122, 0),
        ("btc_eth_1h_2022_2025.csv", 34_349, 1),
        ("eth_1h_2019_2025.csv", 51_816, 15),
    ],
)
def test_read_prices__given_files__every_row_used(file, rows, gaps):
    read = read_prices(PRICES / file)
    lines = len((PRICES / file).read_text().splitlines())
    assert len(read.history) == lines - 1
    found = [finding for finding in read.findings if finding.fault is not Fault.GAP]
    assert found == []
    assert sum(len(finding.rows) for finding in read.findings) == gaps
