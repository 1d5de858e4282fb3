"""Chains from files: what is sound is used, each damage is a finding with file and row."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from keeper.errors import InputError, MarketDataError
from keeper.sources.chain_files import ChainFile, read_chain, read_chains
from keeper.sources.finding import Fault
from keeper.sources.quotes import UNDERLYINGS
from tests.unit.sources import chains
from tests.unit.sources.chains import ROWS, TIME, changed, text, write

GIVEN = Path(__file__).resolve().parents[4] / "shared" / "data" / "deribit_chains"


def faults(read):
    return [(finding.fault, finding.rows) for finding in read.findings]


def test_read_chain__sound_file__every_row_sorted_and_nothing_found(tmp_path):
    read = read_chain(write(tmp_path))
    chain = read.chain
    assert read.findings == ()
    assert chain.time == datetime(2026, 1, 5, 4, tzinfo=UTC).timestamp()
    assert chain.underlying.tolist() == [1, 1, 1, 2, 2]
    assert chain.expiry[0] == datetime(2026, 3, 27, 8, tzinfo=UTC).timestamp()
    assert chain.strike_e8.tolist()[:3] == [80000 * 10**8, 90000 * 10**8, 100000 * 10**8]
    assert chain.is_call.tolist() == [False, True, True, True, True]
    assert chain.bid_coin[1] == 0.0595
    assert chain.open_interest.tolist() == [10, 20, 5, 7, 7]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_read_chain__other_order_of_columns_and_rows__same_chain(tmp_path, suffix):
    order = [3, 0, 7, 6, 5, 4, 2, 1]
    lines = [chains.HEADER, *reversed(ROWS)]
    shuffled = "\n".join(",".join(line.split(",")[n] for n in order) for line in lines) + "\n"
    here = read_chain(write(tmp_path, shuffled, suffix=suffix)).chain
    there = read_chain(write(tmp_path, time="20260105T040001Z")).chain
    for name in ("strike_e8", "forward_usd", "mark_coin", "iv", "bid_coin", "ask_coin"):
        assert getattr(here, name).tolist() == getattr(there, name).tolist()


@pytest.mark.parametrize(
    ("fields", "fault", "gone"),
    [
        ({"bid_coin": "0.07"}, Fault.CROSSED, ("bid_coin", "ask_coin")),
        ({"bid_coin": "0"}, Fault.ZERO_QUOTE, ("bid_coin",)),
        ({"bid_coin": ""}, Fault.NO_QUOTE, ("bid_coin",)),
        ({"ask_coin": "1.5"}, Fault.ABSURD_QUOTE, ("ask_coin",)),
        ({"ask_coin": "inf"}, Fault.ABSURD_QUOTE, ("ask_coin",)),
        ({"bid_coin": "-0.01"}, Fault.ABSURD_QUOTE, ("bid_coin",)),
        ({"mark_coin": ""}, Fault.NO_MARK, ("mark_coin",)),
        ({"mark_coin": "1.01"}, Fault.ABSURD_MARK, ("mark_coin",)),
        ({"mark_coin": "0.5"}, Fault.CONTRADICTION, ("mark_coin", "iv")),
        ({"mark_coin": "0"}, Fault.CONTRADICTION, ("mark_coin", "iv")),
        ({"iv": "4.9"}, Fault.CONTRADICTION, ("mark_coin", "iv")),
        ({"iv": "7"}, Fault.ABSURD_VOL, ("iv",)),
        ({"iv": "0"}, Fault.ABSURD_VOL, ("iv",)),
        ({"iv": "1e-300"}, Fault.ABSURD_VOL, ("iv",)),
        ({"index_usd": ""}, Fault.NO_INDEX, ("index_usd",)),
        ({"index_usd": "inf"}, Fault.NO_INDEX, ("index_usd",)),
        ({"open_interest": "inf"}, Fault.NO_INDEX, ("open_interest",)),
        ({"open_interest": "1e30"}, Fault.NO_INDEX, ("open_interest",)),
    ],
)
def test_read_chain__one_bad_number__the_rest_of_the_row_is_used(tmp_path, fields, fault, gone):
    read = read_chain(write(tmp_path, text(changed(1, **fields))))
    assert faults(read) == [(fault, (3,))]
    assert read.findings[0].detail == "BTC-27MAR26-90000-C"
    assert len(read.chain) == 5
    numbers = ("index_usd", "mark_coin", "iv", "bid_coin", "ask_coin", "open_interest")
    assert {name for name in numbers if np.isnan(getattr(read.chain, name)[1])} == set(gone)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"forward_usd": ""}, Fault.FORWARD),
        ({"forward_usd": "0"}, Fault.FORWARD),
        ({"forward_usd": "99000"}, Fault.FORWARD),
        ({"iv": "n/a"}, Fault.NOT_A_NUMBER),
        ({"instrument": "BTC-31FEB26-90000-C"}, Fault.NAME),
        ({"instrument": "BTC-PERPETUAL"}, Fault.NAME),
        ({"instrument": "SOL-27MAR26-90-C"}, Fault.UNDERLYING),
        ({"instrument": "BTC-5JAN26-90000-C,1"}, Fault.FIELDS),
        ({"instrument": "BTC-4JAN26-90000-C"}, Fault.EXPIRED),
    ],
)
def test_read_chain__row_that_cannot_be_trusted__is_refused(tmp_path, fields, fault):
    read = read_chain(write(tmp_path, text(changed(1, **fields))))
    assert faults(read) == [(fault, (3,))]
    assert read.chain.strike_e8.tolist() == [n * 10**8 for n in (80000, 100000, 3000, 3200)]


def test_read_chain__forwards_of_a_whole_expiry_far_off__that_expiry_is_refused(tmp_path):
    term = "BTC-6JAN26-{}-C,{},89900,0.01,0.5,0.0095,0.0105,20"
    others = tuple(ROWS[1].replace("27MAR26", f"{day}JAN26") for day in (9, 16, 30))
    for forward, refused in ((90_000, False), (900_000, True), (50_000, True)):
        rows = (*ROWS, *others, *(term.format(strike, forward) for strike in (90_000, 91_000)))
        read = read_chain(write(tmp_path, text(rows)))
        found = [rows for fault, rows in faults(read) if fault is Fault.FORWARD]
        assert found == ([(10, 11)] if refused else [])
        assert len(read.chain) == len(rows) - 2 * refused


def test_read_chain__duplicates__same_used_once_and_contradicting_never(tmp_path):
    rows = (*ROWS, ROWS[0], changed(1, bid_coin="0.05")[1])
    read = read_chain(write(tmp_path, text(rows)))
    assert faults(read) == [(Fault.CONFLICT, (3, 8)), (Fault.DUPLICATE, (7,))]
    assert read.chain.strike_e8.tolist() == [n * 10**8 for n in (80000, 100000, 3000, 3200)]


def test_read_chain__single_strike__used_and_said(tmp_path):
    read = read_chain(write(tmp_path, text(ROWS[:4])))
    assert faults(read) == [(Fault.SINGLE_STRIKE, (5,))]
    assert len(read.chain) == 4


def test_read_chain__truncated_gz__refused_whole(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    read = read_chain(path)
    assert read.chain is None
    assert [finding.fault for finding in read.findings] == [Fault.TRUNCATED_FILE]
    with pytest.raises(MarketDataError, match=TIME):
        ChainFile(path, UNDERLYINGS).read()


def test_read_chain__flipped_byte_or_no_gzip__refused_whole(tmp_path):
    path = write(tmp_path)
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1  # in the checksum
    for content in (bytes(damaged), text().encode(), b""):
        path.write_bytes(content)
        read = read_chain(path)
        assert read.chain is None
        assert read.findings


def test_read_chain__last_line_cut__that_row_is_refused(tmp_path):
    read = read_chain(write(tmp_path, text()[:-3], suffix=".csv"))
    assert faults(read) == [(Fault.FIELDS, (6,)), (Fault.SINGLE_STRIKE, (5,))]
    assert len(read.chain) == 4


def test_read_chain__stray_quotation_mark__costs_one_row(tmp_path):
    rows = changed(1, instrument='"BTC-27MAR26-90000-C')
    read = read_chain(write(tmp_path, text(rows)))
    assert faults(read) == [(Fault.NAME, (3,))]
    assert len(read.chain) == 4


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", chains.HEADER.replace("iv,", "") + "\n"])
def test_read_chain__columns_missing__refused_whole(tmp_path, content):
    read = read_chain(write(tmp_path, content))
    assert read.chain is None
    assert faults(read) == [(Fault.HEADER, (1,))]


def test_read_chain__column_twice__refused_whole(tmp_path):
    doubled = [chains.HEADER + ",iv", *(f"{row},0.1" for row in ROWS)]
    read = read_chain(write(tmp_path, "\n".join(doubled) + "\n"))
    assert read.chain is None
    assert faults(read) == [(Fault.HEADER, (1,))]
    assert read.findings[0].detail == "iv twice"


def test_read_chain__header_alone__says_that_nothing_is_there(tmp_path):
    read = read_chain(write(tmp_path, text(())))
    assert read.chain is None
    assert faults(read) == [(Fault.EMPTY, ())]


def test_read_chains__files_that_were_to_be_chains__are_named_and_notes_are_not(tmp_path):
    write(tmp_path)
    for name in ("20260105T100000Z.CSV.GZ", "20260105T160000Z.csv.zip", "README.md", ".lock"):
        (tmp_path / name).write_text("x")
    found = [finding for read in read_chains(tmp_path) for finding in read.findings]
    assert {(finding.file, finding.fault) for finding in found} == {
        ("20260105T100000Z.CSV.GZ", Fault.NAME_OF_FILE),
        ("20260105T160000Z.csv.zip", Fault.NAME_OF_FILE),
    }


def test_read_chains__folder__by_time_with_gaps_and_doubled_clock_found(tmp_path):
    write(tmp_path, time="20260105T100000Z")
    write(tmp_path)
    write(tmp_path, time="20260105T190001Z")
    write(tmp_path, suffix=".csv")
    (tmp_path / "notes.csv").write_text("a")
    (tmp_path / "README.md").write_text("not a chain")
    reads = list(read_chains(tmp_path))
    assert [read.chain is None for read in reads] == [True, False, True, False, False]
    found = [[finding.fault for finding in read.findings] for read in reads]
    assert found == [[Fault.NAME_OF_FILE], [], [Fault.CLOCK], [], [Fault.GAP]]
    times = [read.chain.time for read in reads if read.chain]
    assert times == sorted(times)


def test_read_chains__file_that_cannot_be_used__does_not_hide_the_gap(tmp_path):
    write(tmp_path)
    broken = write(tmp_path, time="20260105T100000Z")
    broken.write_bytes(gzip.compress(b"x")[:5])
    write(tmp_path, time="20260105T160000Z")
    reads = list(read_chains(tmp_path))
    assert reads[1].chain is None
    assert [finding.fault for finding in reads[2].findings] == [Fault.GAP]
    assert reads[2].findings[0].detail == "12.0 h"


def test_read_chains__nothing_there__says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match="YYYYMMDDTHHMMSSZ"):
        list(read_chains(tmp_path))
    with pytest.raises(InputError, match="absent"):
        list(read_chains(tmp_path / "absent"))


def test_finding__text__names_file_rows_and_consequence(tmp_path):
    read = read_chain(write(tmp_path, text(changed(1, bid_coin="0.07"))))
    assert read.findings[0].text() == (
        f"{TIME}.csv.gz, 1 row(s) (3): bid above ask: neither is used, mark and vol are "
        "(BTC-27MAR26-90000-C)"
    )


@pytest.mark.skipif(not GIVEN.is_dir(), reason="the reference chains are not here")
def test_read_chains__given_chains__are_clean(tmp_path):
    found = {}
    rows = 0
    for read in read_chains(GIVEN):
        rows += len(read.chain)
        for finding in read.findings:
            found[finding.fault] = found.get(finding.fault, 0) + max(1, len(finding.rows))
    assert rows == 568_354
    assert found == {Fault.NO_QUOTE: 38_170, Fault.ABSURD_QUOTE: 59, Fault.GAP: 7}
