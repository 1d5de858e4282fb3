import pytest

from keeper.tx.fees import FeePolicy, Fees


@pytest.mark.parametrize(
    ("cap", "base", "tip", "expected"),
    [
        (None, 10, 2, Fees(22, 2)),
        (30, 10, 2, Fees(22, 2)),
        (20, 10, 2, Fees(20, 2)),
        (1, 10, 2, Fees(1, 1)),
        (None, 0, 0, Fees(0, 0)),
    ],
)
def test_fees__twice_the_base_and_the_tip_within_the_cap(cap, base, tip, expected):
    assert FeePolicy(cap).fees(base, tip) == expected
