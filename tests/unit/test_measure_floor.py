"""The floor is that of the contracts, and what it lets through is counted once."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from keeper.backtest.books.all_archetypes import GROUPS
from keeper.backtest.pool import Pool
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from scripts import measure_floor
from scripts.measure_floor import Floor, compared, floor_model, main, measured, report
from tests.books import MODEL, account, call, exchange, perpetual, put
from tests.unit.backtest.synthetic import SPOT, START, chain, expiries, write_chain

SIX_HOURS = 6 * 3600
BOX = {call(3_000): 1_000, put(3_000): -1_000, call(3_300): -1_000, put(3_300): 1_000}


def test_floor_model__books_by_hand__have_the_floor_as_their_margin():
    bound = floor_model(MODEL)
    lots = [{perpetual(): 1_000}, BOX, {call(4_000): -1_000}, {call(4_000): 1_000}]
    books = [account(number, held) for number, held in enumerate(lots, start=1)]
    found = margin_book(exchange(books, model=bound), bound)
    whole = margin_book(exchange(books), MODEL)
    assert len(bound.scenarios) == 10
    # A perpetual loses a scan range of 12.2 % in the rows of the floor as in all of them.
    assert found.maintenance_usd6[0] == pytest.approx(1.3 * 0.122 * 3012.740185e6, rel=1e-5)
    assert found.maintenance_usd6[1:] == pytest.approx(
        np.maximum(whole.gross_usd6 // 1_000, 13 * found.worst_loss_usd6 // 10)[1:]
        + whole.add_ons_usd6[1:],
        rel=1e-6,
    )
    assert whole.add_ons_usd6[2] > 0
    assert found.maintenance_usd6[3] > 2 * whole.maintenance_usd6[3], "all of a cheap leg's gross"


def pool(**columns):
    """Five books: three windows are known, one book is a market maker's."""
    ones = np.ones(5)
    kept = dict.fromkeys(("gross", "required", "naive", "pmrm2"), ones)
    long = columns.pop("losses", ones)
    maker, linear = GROUPS.index("market maker"), GROUPS.index("linear")
    return Pool(
        times=np.array([START]),
        moment=np.zeros(5, dtype=np.int64),
        kind=np.zeros(5, dtype=np.int64),
        group=np.array([linear, linear, linear, maker, maker]),
        losses=np.stack([0 * ones, long]),
        quoted_losses=np.stack([ones, ones]),
        unvalued=(0, 0),
        sentinels=0,
        **(kept | columns),
    )


def test_compared__books_by_hand__are_counted():
    honest = pool(
        initial=np.array([10.0, 10.0, 10.0, 4.0, 20.0]),
        maintenance=np.array([8.0, 8.0, 8.0, 3.0, 15.0]),
        standard=np.array([40.0, 40.0, 10.0, 100.0, 75.0]),
        losses=np.array([6.0, 4.0, 10.5, np.nan, 19.0]),
    )
    # The second is bound by its floor; of the third no more is asked than standard margin.
    bound = pool(
        initial=np.ones(5), standard=np.ones(5), maintenance=np.array([5.0, 12.0, 11.0, 1.0, 18.0])
    )
    found = compared(honest, bound)
    assert (found.books, found.windows) == (5, 4)
    shares = [0.5, 1.2, 1.0, 0.25, 0.9]
    assert found.share == pytest.approx((np.percentile(shares, 5), 0.9))
    assert found.binding == 0.2
    assert found.beyond == 0.75
    assert found.beyond_by_group == {"linear": pytest.approx(2 / 3), "market maker": 1.0}
    assert found.of_standard == pytest.approx((0.03, (0.03 + 0.2) / 2))


def test_report__the_most_exposed__come_first():
    found = Floor(
        1_000, 900, (0.24, 0.75), 0.0004, 0.0056,
        {"linear": 0.0, "covered s": 0.03, "futures basis": 0.06, "calendar": 0.02}, (0.003, 0.03),
    )  # fmt: skip
    assert report(found).splitlines() == [
        "1,000 books: floor over IM, p5 and median: 24%, 75%; it binds on 0.04%",
        "900 windows of 24 h: 0.56% lose more than the floor; most futures basis 6.0%, "
        "covered s 3.0%, calendar 2.0%",
        "MM over SM of market maker: least 0.3%, median 3.0%",
    ]


@pytest.fixture(scope="module")
def chains():
    terms = [expiries()[n] for n in (1, 2, 6, 27)]
    return [
        chain(START + n * SIX_HOURS, {u: p * (1 - 0.012 * n) for u, p in SPOT.items()}, terms)
        for n in range(8)
    ]


def test_measured__falling_prices__the_same_books_by_both(monkeypatch, chains):
    monkeypatch.setattr(measure_floor, "COPIES", 1)
    found = measured(chains, MODEL, 1, 1)
    assert found.books > 8 * 100
    assert 0.1 < found.share[0] < found.share[1] <= 1.0
    assert found.beyond_by_group["linear"] == 0.0, "a fall of 5 %, and a floor of 12 % and more"
    assert set(found.beyond_by_group) <= set(GROUPS)


def test_main__too_few_chains__ends_with_the_errors_code(monkeypatch, capsys, tmp_path, chains):
    write_chain(tmp_path, chains[0])
    monkeypatch.setattr(sys, "argv", ["measure_floor", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert "error: 1 chains: give at least 8" in streams.err
