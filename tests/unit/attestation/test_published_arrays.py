from dataclasses import replace

import numpy as np
import pytest
from eth_hash.auto import keccak

from keeper.attestation.published_arrays import encode_risk_arrays, risk_arrays_hash
from keeper.margin.risk_arrays import RiskArrays

ARRAYS = RiskArrays(
    marks=np.array([1, -2]),
    pnl=np.array([[3, 4, 5], [-6, 7, 2**40]]),
    fault=np.array([False, True]),
    priced=np.array([True, True]),
)


def test_encode__two_listings_three_scenarios__byte_by_byte():
    numbers = [1, -2, 3, 4, 5, -6, 7, 2**40]
    expected = b"PMKRISK1" + (2).to_bytes(8, "big") + (3).to_bytes(8, "big")
    expected += b"".join(n.to_bytes(8, "big", signed=True) for n in numbers) + b"\x00\x01\x01\x01"
    assert encode_risk_arrays(ARRAYS) == expected
    assert risk_arrays_hash(ARRAYS) == keccak(expected)


@pytest.mark.parametrize(
    "change",
    [
        {"marks": np.array([1, -3])},
        {"pnl": ARRAYS.pnl[:, ::-1]},
        {"fault": ARRAYS.priced},
        {"priced": ARRAYS.fault},
    ],
)
def test_hash__any_column_changed__changes(change):
    assert risk_arrays_hash(replace(ARRAYS, **change)) != risk_arrays_hash(ARRAYS)


def test_encode__transposed_memory__same_bytes():
    columns = replace(ARRAYS, pnl=np.asfortranarray(ARRAYS.pnl))
    assert encode_risk_arrays(columns) == encode_risk_arrays(ARRAYS)
