import pytest

from keeper.attestation.signature import CURVE_ORDER, HALF_ORDER, CompactSignature
from keeper.errors import InputError

R = (5).to_bytes(32, "big")


def word(value):
    return value.to_bytes(32, "big")


@pytest.mark.parametrize("v", [27, 28])
@pytest.mark.parametrize("s", [1, 77, HALF_ORDER])
def test_signature__65_bytes__round_trip(s, v):
    signature = CompactSignature.from_bytes(R + word(s) + bytes([v]))
    assert (signature.s, signature.y_parity) == (s, v - 27)
    assert signature.to_bytes() == R + word(s) + bytes([v])
    assert signature.vs == word(s | (v - 27) << 255)


def test_signature__example_of_the_standard__matches():
    full = (
        "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
        "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea520641b"
    )
    signature = CompactSignature.from_bytes(bytes.fromhex(full))
    assert signature.vs.hex() == full[64:128]
    second = (
        "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
        "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f5507931c"
    )
    expected = "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
    assert CompactSignature.from_bytes(bytes.fromhex(second)).vs.hex() == expected


@pytest.mark.parametrize(
    "raw",
    [
        R + word(HALF_ORDER + 1) + b"\x1b",
        R + word(CURVE_ORDER - 1) + b"\x1b",
        R + word(2**255 + 1) + b"\x1b",
        R + word(0) + b"\x1b",
        word(0) + word(1) + b"\x1b",
        word(CURVE_ORDER) + word(1) + b"\x1b",
        R + word(1) + b"\x00",
        R + word(1) + b"\x1d",
        R + word(1),
        R + word(1) + b"\x1b\x00",
        bytes(65),
    ],
)
def test_from_bytes__malleable_or_malformed__is_refused(raw):
    assert CompactSignature.from_bytes(R + word(1) + b"\x1b")
    with pytest.raises(InputError):
        CompactSignature.from_bytes(raw)


@pytest.mark.parametrize(
    ("r", "vs"),
    [
        (R[1:], word(1)),
        (R, word(1)[1:]),
        (bytearray(R), word(1)),
        (R, word(2**255)),
        (R, word(HALF_ORDER + 1)),
    ],
)
def test_construction__bad_words__are_refused(r, vs):
    assert CompactSignature(R, word(1))
    with pytest.raises(InputError):
        CompactSignature(r, vs)
