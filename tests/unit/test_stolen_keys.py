"""What stolen keys take, on windows made by hand and a few random books."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.testing.random_book import random_book
from keeper.units import WAD
from scripts.measure_standard_margin.__main__ import MODEL_FILE, read_model
from scripts.measure_standard_margin.books import kinds_of_book
from scripts.simulate_stolen_keys.moves import Window, after, signed, windows
from scripts.simulate_stolen_keys.takes import Books, by_feed_keys, by_margin_keys

MODEL = read_model(MODEL_FILE)
BTC, ETH = (risk.underlying for risk in MODEL.underlyings)


@pytest.fixture(scope="module")
def books():
    drawn = random_book(MODEL, 60, 200, 1, 60)
    return Books.of(kinds_of_book(drawn)["linear"], MODEL)


def test_windows__largest_moves_first_one_a_day():
    hours = np.arange(72)
    btc = np.full(72, 100.0)
    btc[30:] = 80.0  # a fall of a fifth in the second day
    eth = np.full(72, 10.0)
    eth[60:] = 10.1
    chosen = windows({"BTC": (hours, btc), "ETH": (hours, eth)}, MODEL, 2, 3)
    assert [window.hour // 24 for window in chosen] == [1, 2, 0]
    assert chosen[0].returns == {BTC: pytest.approx(-0.2), ETH: 0.0}
    assert chosen[2].returns == {BTC: 0.0, ETH: 0.0}


def test_after__moves_spots_alone(books):
    moved = after(books.snapshot, Window(0, {BTC: -0.5}))
    spots = dict(zip(moved.underlyings.underlying, moved.underlyings.spot_e8, strict=True))
    before = books.snapshot.underlyings
    for underlying, spot in zip(before.underlying, before.spot_e8, strict=True):
        assert spots[underlying] == (round(int(spot) / 2) if underlying == BTC else spot)


def test_by_margin_keys__never_more_than_the_budget_and_nothing_without_a_move(books):
    calm = by_margin_keys(books, Window(0, {}), MODEL)
    assert (calm.best, calm.mean) == (0.0, 0.0)
    # Within one scan range the floor covers a linear book; far beyond, all of the discount is gone.
    scan = {risk.underlying: risk.scan_range / WAD for risk in MODEL.underlyings}
    assert by_margin_keys(books, Window(0, scan), MODEL).mean == 0.0
    crash = by_margin_keys(books, Window(0, {BTC: -0.6, ETH: -0.6}), MODEL)
    assert 0.9 < crash.mean <= crash.best <= 1.0


def test_by_feed_keys__more_shocks_take_more_and_a_ratio_takes_nothing_out(books):
    one, five = by_feed_keys(books, MODEL, 1), by_feed_keys(books, MODEL, 5)
    assert len(one) == len(list(signed(books.snapshot, MODEL, 1))) == 8
    assert max(take.from_others for take in one) < max(take.from_others for take in five)
    assert all(take.own == 0.0 for take in one + five)
