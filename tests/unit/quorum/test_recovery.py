import pytest
from eth_account import Account
from eth_hash.auto import keccak

from keeper.attestation.signature import CompactSignature
from keeper.errors import InputError
from keeper.quorum.recovery import recover
from keeper.tx.signers.ephemeral import EphemeralSigner

SIGNER = EphemeralSigner("recovery", 1337)
DIGEST = keccak(b"statement")


@pytest.mark.parametrize("seed", range(8))
def test_recover__own_signature__gives_the_address_that_eth_account_gives(seed):
    signer = EphemeralSigner(str(seed), 1337)
    signature = signer.sign_digest(DIGEST)
    assert recover(DIGEST, signature) == signer.address
    theirs = Account._recover_hash(DIGEST, signature=signature.to_bytes())
    assert theirs == signer.address


def test_recover__other_digest_or_flipped_parity__gives_another_address():
    signature = SIGNER.sign_digest(DIGEST)
    assert recover(DIGEST, signature) == SIGNER.address
    assert recover(keccak(b"other"), signature) != SIGNER.address
    flipped = CompactSignature(signature.r, bytes([signature.vs[0] ^ 0x80]) + signature.vs[1:])
    assert recover(DIGEST, flipped) != SIGNER.address


def test_recover__no_point_at_r__is_refused():
    # x = 5 is not on the curve.
    impossible = CompactSignature((5).to_bytes(32, "big"), (1).to_bytes(32, "big"))
    with pytest.raises(InputError, match="cannot be recovered"):
        recover(DIGEST, impossible)


@pytest.mark.parametrize("digest", [b"", b"\x01" * 31, b"\x01" * 33])
def test_recover__short_digest__is_refused(digest):
    with pytest.raises(InputError):
        recover(digest, SIGNER.sign_digest(DIGEST))
