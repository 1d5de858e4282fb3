from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from keeper.attestation.signature import CompactSignature
from keeper.errors import InputError, QuorumNotReached
from keeper.quorum.collect import SignedAttestation, collect, tally
from keeper.tx.signers.ephemeral import EphemeralSigner

SIGNERS = sorted(
    (EphemeralSigner(f"keeper {index}", 31337) for index in range(5)),
    key=lambda signer: int(signer.address, 16),
)
REGISTERED = [signer.address for signer in SIGNERS]
OUTSIDER = EphemeralSigner("outsider", 31337)
DIGEST, OTHER = keccak(b"digest"), keccak(b"other")


def statement(signer, digest=DIGEST):
    return SignedAttestation(signer.address, digest, signer.sign_digest(digest))


def reasons(signed):
    return [(item.signer, item.reason) for item in tally(signed, DIGEST, REGISTERED).ignored]


def test_collect__enough__gives_exactly_the_threshold_ascending():
    signed = [statement(SIGNERS[index]) for index in (4, 0, 2, 1)]
    expected = tuple(SIGNERS[index].sign_digest(DIGEST) for index in (0, 1, 2))
    assert collect(signed, DIGEST, REGISTERED, 3) == expected


def test_collect__any_order__same_signatures():
    signed = [statement(signer) for signer in SIGNERS]
    assert collect(signed, DIGEST, REGISTERED, 3) == collect(signed[::-1], DIGEST, REGISTERED, 3)


def test_collect__one_too_few__says_how_many_agree_and_who_differs():
    signed = [statement(SIGNERS[0]), statement(SIGNERS[1]), statement(SIGNERS[2], OTHER)]
    with pytest.raises(QuorumNotReached) as caught:
        collect(signed, DIGEST, REGISTERED, 3)
    message = str(caught.value)
    assert "2 of 3" in message
    assert SIGNERS[2].address in message
    assert OTHER.hex() in message
    assert collect([*signed, statement(SIGNERS[3])], DIGEST, REGISTERED, 3)


def test_collect__nobody__others_none():
    with pytest.raises(QuorumNotReached, match=r"0 of 1 needed.*others: none"):
        collect([], DIGEST, REGISTERED, 1)


def test_collect__duplicates__count_once():
    twice = [statement(SIGNERS[0])] * 2
    with pytest.raises(QuorumNotReached, match="1 of 2"):
        collect(twice, DIGEST, REGISTERED, 2)
    assert reasons(twice) == [(SIGNERS[0].address, "signed twice")]
    assert collect([*twice, statement(SIGNERS[1])], DIGEST, REGISTERED, 2)


def test_collect__same_signer_in_lower_case__is_the_same_signer():
    lower = replace(statement(SIGNERS[0]), signer=SIGNERS[0].address.lower())
    with pytest.raises(QuorumNotReached, match="1 of 2"):
        collect([statement(SIGNERS[0]), lower], DIGEST, REGISTERED, 2)
    assert collect([lower], DIGEST, REGISTERED, 1)
    assert collect([lower], DIGEST, [signer.lower() for signer in REGISTERED], 1)


def test_collect__outsider__does_not_count():
    signed = [statement(SIGNERS[0]), statement(OUTSIDER)]
    with pytest.raises(QuorumNotReached, match="1 of 2"):
        collect(signed, DIGEST, REGISTERED, 2)
    assert reasons(signed) == [(OUTSIDER.address, "is not a registered signer")]
    assert collect(signed, DIGEST, [*REGISTERED, OUTSIDER.address], 2)


def test_collect__statement_in_anothers_name__neither_counts_nor_takes_his_place():
    forged = replace(statement(OUTSIDER), signer=SIGNERS[0].address)
    assert reasons([forged])[0][1] == "did not make the signature sent in its name"
    with pytest.raises(QuorumNotReached):
        collect([forged], DIGEST, REGISTERED, 1)
    signatures = collect([forged, statement(SIGNERS[0])], DIGEST, REGISTERED, 1)
    assert signatures == (SIGNERS[0].sign_digest(DIGEST),)


def test_collect__signature_of_another_digest_relabelled__does_not_count():
    relabelled = replace(statement(SIGNERS[0], OTHER), digest=DIGEST)
    assert "did not make" in reasons([relabelled])[0][1]


def test_collect__digest_framed_as_anothers__is_not_blamed_on_him():
    framed = replace(statement(OUTSIDER, OTHER), signer=SIGNERS[0].address)
    assert "did not make" in reasons([framed])[0][1]


def test_collect__signature_that_no_key_made__does_not_count():
    impossible = CompactSignature((5).to_bytes(32, "big"), (1).to_bytes(32, "big"))
    signed = [SignedAttestation(SIGNERS[0].address, DIGEST, impossible), statement(SIGNERS[1])]
    assert collect(signed, DIGEST, REGISTERED, 1) == (SIGNERS[1].sign_digest(DIGEST),)


def test_collect__name_that_is_no_address__is_an_outsider():
    signed = [replace(statement(SIGNERS[0]), signer="keeper one")]
    assert reasons(signed) == [("keeper one", "is not a registered signer")]


@pytest.mark.parametrize("threshold", [0, -1])
def test_collect__no_threshold__is_refused(threshold):
    with pytest.raises(InputError):
        collect([], DIGEST, REGISTERED, threshold)
