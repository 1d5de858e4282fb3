import numpy as np
import pytest

from keeper.draws import Draws, splitmix
from keeper.errors import InputError

GAMMA = 0x9E3779B97F4A7C15
# The first outputs of the authors' splitmix64.c from state 0, and from state 1234567.
FROM_ZERO = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
FROM_1234567 = [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize(("state", "expected"), [(0, FROM_ZERO), (1234567, FROM_1234567)])
def test_splitmix__published_outputs__equal(state, expected):
    states = [(state + n * GAMMA) % 2**64 for n in (1, 2, 3)]
    assert splitmix(np.array(states, dtype=np.uint64)).tolist() == expected


def test_words__prefix_of_a_longer_draw__is_the_shorter_one():
    draws = Draws(5)
    assert draws.words("a", 1000)[:10].tolist() == draws.words("a", 10).tolist()


def test_words__seed_or_stream_changed__share_nothing():
    drawn = [Draws(seed).words(stream, 1000) for seed in (0, 1) for stream in ("ab", "ba", "a")]
    assert len(np.unique(np.concatenate(drawn))) == 6000


@pytest.mark.parametrize("bound", [1, 2, 7, 2**31])
def test_below__many__even_over_the_range(bound):
    drawn = Draws(3).below("x", 20_000, bound)
    assert drawn.dtype == np.int64
    assert 0 <= drawn.min() <= drawn.max() < bound
    # Twelve cells of a chi-square, at most: 60 lies beyond one in ten million.
    cells = min(bound, 12)
    seen = np.bincount(drawn * cells // bound, minlength=cells)
    assert ((seen - 20_000 / cells) ** 2 / (20_000 / cells)).sum() < 60


def test_one__lies_between():
    assert {Draws(seed).one("x", 5, 8) for seed in range(50)} == {5, 6, 7}


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_draws__seed_beyond_64_bits__refused(seed):
    with pytest.raises(InputError, match="uint64"):
        Draws(seed)


def test_fractions__many__even_and_never_at_the_ends():
    drawn = Draws(11).fractions("x", 20_000)
    assert 0.0 < drawn.min() < drawn.max() < 1.0
    seen = np.bincount((drawn * 10).astype(int), minlength=10)
    assert ((seen - 2_000) ** 2 / 2_000).sum() < 60
