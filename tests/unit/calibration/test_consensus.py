"""One price from several sources: median, outliers, age, and an error rather than a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.calibration.consensus import Reading, Rules, consensus
from keeper.errors import InputError, MarketDataError

NOW = 1_770_000_000
RULES = Rules()


def readings(*prices, age=0):
    return [Reading(f"source {n}", price, NOW - age) for n, price in enumerate(prices)]


def test_consensus__sources_agree__median_and_all_used():
    found = consensus(readings(100.0, 100.02, 99.99), NOW, RULES)
    assert found.price_usd == 100.0
    assert len(found.used) == 3
    assert found.rejected == ()
    assert found.time == NOW


def test_consensus__one_far_off__rejected_and_named():
    found = consensus(readings(100.0, 100.02, 99.99, 104.0), NOW, RULES)
    assert found.price_usd == 100.0
    assert [item.reading.source for item in found.rejected] == ["source 3"]
    assert "deviations" in found.rejected[0].reason


def test_consensus__too_few_agree__error_rather_than_a_guess():
    assert consensus(readings(100.0, 100.02, 99.99), NOW, RULES).price_usd == 100.0
    with pytest.raises(MarketDataError, match="2 of 3 needed"):
        consensus(readings(100.0, 100.02), NOW, RULES)
    with pytest.raises(MarketDataError, match="source 2 lies"):
        consensus(readings(100.0, 100.02, 120.0), NOW, RULES)
    with pytest.raises(MarketDataError, match="0 of 3"):
        consensus([], NOW, RULES)


@pytest.mark.parametrize(
    ("price", "time", "why"),
    [
        (100.0, NOW - 61, "61 s old"),
        (100.0, NOW + 6, "ahead of the clock"),
        (0.0, NOW, "not positive"),
        (-1.0, NOW, "not positive"),
        (float("nan"), NOW, "not positive"),
        (float("inf"), NOW, "not positive"),
    ],
)
def test_consensus__reading_that_is_none__does_not_count(price, time, why):
    bad = Reading("bad", price, time)
    found = consensus([*readings(100.0, 100.01, 100.02), bad], NOW, RULES)
    assert found.price_usd == 100.01
    assert why in found.rejected[0].reason
    with pytest.raises(MarketDataError, match=why):
        consensus([*readings(100.0, 100.01), bad], NOW, RULES)


def test_consensus__older_or_more_dispersed__less_confident():
    calm = consensus(readings(100.0, 100.01, 100.02), NOW, RULES).confidence
    older = consensus(readings(100.0, 100.01, 100.02, age=30), NOW, RULES).confidence
    wider = consensus(readings(99.9, 100.01, 100.12), NOW, RULES).confidence
    assert 0 < calm < older
    assert calm < wider < 0.01
    # 80 % a year over thirty seconds, and nothing else.
    same = consensus(readings(100.0, 100.0, 100.0, age=30), NOW, RULES).confidence
    assert same == pytest.approx(0.8 * (30 / 31_536_000) ** 0.5, rel=1e-12)


def test_consensus__two_the_same_and_one_apart__is_not_certain():
    found = consensus(readings(100.0, 100.0, 100.15), NOW, RULES)
    assert len(found.used) == 3
    assert 2e-4 < found.confidence < 1.5e-3
    assert consensus(readings(100.0, 100.0, 100.0), NOW, RULES).confidence == 0.0


def test_consensus__one_source_twice__refused():
    with pytest.raises(InputError, match="speaks once"):
        consensus([*readings(100.0, 100.01), Reading("source 0", 100.0, NOW)], NOW, RULES)


@given(
    st.lists(st.floats(90, 110), min_size=3, max_size=9, unique=True),
    st.floats(1, 1e6),
)
def test_consensus__one_liar_among_many__stays_within_the_honest(honest, lie):
    voices = [*readings(*honest), Reading("liar", lie, NOW)]
    try:
        found = consensus(voices, NOW, RULES)
    except MarketDataError:
        return
    assert min(honest) <= found.price_usd <= max(honest)
