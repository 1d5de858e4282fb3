from dataclasses import replace

import numpy as np
import pytest

from keeper.backtest.known_prices import DAY, known_prices
from keeper.backtest.moment import forwards_of, moment_of
from keeper.backtest.scan_path import ring_slice, ring_start, scan_path
from keeper.backtest.windows import Horizon, nearest_later, settlements
from keeper.errors import InputError
from tests.books import MODEL
from tests.unit.backtest.synthetic import BTC, ETH, SPOT, START, chain

HOUR = 3600
TIMES = [h * HOUR for h in (0, 5, 12, 18, 23, 30, 60)]


@pytest.mark.parametrize(
    ("index", "hours", "found"),
    [
        (0, 6, 1),
        (1, 6, 2),
        (3, 6, 4),
        (0, 24, 4),
        (1, 24, 5),
        (5, 6, None),
        (5, 30, 6),
        (6, 6, None),
    ],
)
def test_nearest_later__chains__within_two_hours(index, hours, found):
    assert nearest_later(TIMES, index, Horizon(hours)) == found


def test_nearest_later__never_itself_or_before():
    assert nearest_later([0, 10 * HOUR], 0, Horizon(1, tolerance_hours=2)) is None


def moments(count, move=1.01):
    made = []
    for n in range(count):
        time = START + n * 6 * HOUR
        spot = {number: price * move**n for number, price in SPOT.items()}
        made.append(moment_of(chain(time, spot)))
    return made


def test_moment_of__rows_of_one_expiry__take_the_median_forward_and_never_the_index():
    quoted = chain()
    odd = quoted.forward_usd.copy()
    first = (quoted.underlying == BTC) & (quoted.expiry == quoted.expiry.min())
    odd[np.flatnonzero(first)[0]] *= 1.02
    forwards = forwards_of(replace(quoted, forward_usd=odd))
    assert forwards == forwards_of(quoted)
    moment = moment_of(quoted)
    assert moment.spot[BTC] == forwards[BTC, int(quoted.expiry.min())]
    assert moment.value == moment_of(replace(quoted, index_usd=quoted.index_usd * 2)).value


def test_moment_of__option__is_worth_its_mark_times_the_forward_of_its_row():
    quoted = chain()
    odd = quoted.forward_usd.copy()
    odd[0] *= 1.02
    moment = moment_of(replace(quoted, forward_usd=odd))
    values = list(moment.value.values())
    assert values[0] == quoted.mark_coin[0] * odd[0]


def test_settlements__expiry__is_the_spot_of_the_first_chain_after_it():
    made = moments(9)
    settled = settlements(made)
    first = min(term for number, term in made[0].forward if number == BTC)
    after = next(moment for moment in made if moment.time >= first)
    assert settled[BTC, first] == after.spot[BTC]
    assert max(term for _, term in settled) <= made[-1].time


def test_settlements__no_chain_within_eight_hours_after__is_none():
    made = moments(9)
    first = min(term for number, term in made[0].forward if number == BTC)
    late = [moment for moment in made if not 0 <= moment.time - first <= 8 * HOUR]
    assert (BTC, first) in settlements(made)
    assert (BTC, first) not in settlements(late)
    assert late[-1].time > first


def test_ring_start__words_of_four_days__hold_125_to_128():
    assert {day - ring_start(day) + 1 for day in range(20_000, 20_008)} == {125, 126, 127, 128}
    days = list(range(19_000, 20_000))
    assert ring_slice(days, 999) == slice(999 - (19_999 - ring_start(19_999)), 1000)


def test_known_prices__ring__holds_a_whole_window_ending_today():
    known = known_prices(moments(9), MODEL)
    ring = known.ring(START + 48 * HOUR)
    days = sorted({row.day for row in ring})
    assert days[-1] == (START + 48 * HOUR) // DAY
    assert 125 <= len(days) <= 128
    assert {row.underlying for row in ring} == {BTC, ETH}


def test_known_prices__day__is_the_last_chain_at_or_before_midnight():
    made = moments(9)
    known = known_prices(made, MODEL)
    midnight = (START // DAY + 1) * DAY
    last = max((moment for moment in made if moment.time <= midnight), key=lambda m: m.time)
    ring = {(row.underlying, row.day): row.price_e8 for row in known.ring(midnight)}
    assert ring[BTC, midnight // DAY] == round(last.spot[BTC] * 1e8)


def test_known_prices__later_chains__change_nothing_known_before():
    made = moments(13)
    time = made[6].time
    other = [*made[:7], *moments(13, move=0.5)[7:]]
    assert known_prices(made, MODEL).ring(time) == known_prices(other, MODEL).ring(time)
    assert known_prices(made, MODEL).ring(time) == known_prices(made[:7], MODEL).ring(time)


def test_known_prices__before_the_chains__are_the_returns_of_the_shipped_history():
    known = known_prices(moments(3), MODEL)
    last = MODEL.history.returns_e9["BTC"][-1] / 1e9
    day = known.days.index(START // DAY)
    prices = known.price_e8[BTC]
    assert np.log(prices[day] / prices[day - 1]) == pytest.approx(last, abs=1e-9)


def test_known_prices__chains_within_the_history__know_no_day_of_it_after_them():
    history = MODEL.history
    day = history.first_day + 400
    made = moment_of(chain(day * DAY + 9 * HOUR, terms=[day * DAY + 40 * DAY]))
    prices = known_prices([made], MODEL).price_e8[BTC]
    found = np.diff(np.log(prices))
    assert found == pytest.approx(history.returns_e9["BTC"][400 - 127 : 400] / 1e9, abs=1e-9)
    early = moment_of(chain((history.first_day + 20) * DAY, terms=[day * DAY]))
    with pytest.raises(InputError, match="20 days before it"):
        known_prices([early], MODEL)


def test_known_prices__first_chain_lacks_an_underlying__is_refused():
    made = moments(2)
    first = replace(made[0], spot={BTC: SPOT[BTC]})
    with pytest.raises(InputError, match="ETH has no option"):
        known_prices([first, made[1]], MODEL)


def test_scan_path__later_prices__change_nothing_before():
    days = list(range(19_000, 19_200))
    prices = [10**12 + (n * 7919) % 10**11 for n in range(200)]
    sigmas = MODEL.scan_sigmas()[BTC]
    whole = scan_path(days, prices, MODEL.scan, sigmas)
    assert scan_path(days[:150], prices[:150], MODEL.scan, sigmas) == whole[:150]
