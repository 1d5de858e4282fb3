"""From what keepers sent to the signatures that the oracle takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from eth_utils.address import is_hex_address, to_checksum_address

from keeper.attestation.signature import CompactSignature
from keeper.errors import InputError, QuorumNotReached
from keeper.quorum.recovery import recover


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """What a keeper says: its address, the digest it computed, and the signature of that digest."""

    signer: str
    digest: bytes
    signature: CompactSignature


@dataclass(frozen=True, slots=True)
class Ignored:
    """A statement that does not count, and why."""

    signer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Signatures of one digest by registered signers, ascending by address, and all the rest."""

    agreeing: tuple[SignedAttestation, ...]
    ignored: tuple[Ignored, ...]


def collect(
    signed: Iterable[SignedAttestation],
    digest: bytes,
    registered_signers: Collection[str],
    threshold: int,
) -> tuple[CompactSignature, ...]:
    """Return exactly `threshold` signatures of `digest`, ascending by signer.

    Raises:
        QuorumNotReached: fewer agree; it says how many, and what was wrong with the others.
    """
    if threshold < 1:
        raise InputError(f"a threshold is at least 1, got {threshold}")
    result = tally(signed, digest, registered_signers)
    if len(result.agreeing) < threshold:
        others = "; ".join(f"{item.signer} {item.reason}" for item in result.ignored) or "none"
        raise QuorumNotReached(
            f"{len(result.agreeing)} of {threshold} needed signers agree on 0x{digest.hex()}; "
            f"others: {others}"
        )
    return tuple(item.signature for item in result.agreeing[:threshold])


def tally(
    signed: Iterable[SignedAttestation], digest: bytes, registered_signers: Collection[str]
) -> Tally:
    """Sort statements into those that count, one per signer, and those that do not.

    A statement counts by the signature alone: a false one in somebody's name takes nothing away.
    """
    registered = {to_checksum_address(signer) for signer in registered_signers}
    agreeing: dict[str, SignedAttestation] = {}
    ignored: list[Ignored] = []
    for item in signed:
        signer = to_checksum_address(item.signer) if is_hex_address(item.signer) else item.signer
        problem = _problem(item, signer, digest, registered)
        if problem is None and signer in agreeing:
            problem = "signed twice"
        if problem is None:
            agreeing[signer] = item
        else:
            ignored.append(Ignored(signer, problem))
    ascending = sorted(agreeing, key=lambda signer: int(signer, 16))
    return Tally(tuple(agreeing[signer] for signer in ascending), tuple(ignored))


def _problem(
    item: SignedAttestation, signer: str, digest: bytes, registered: Collection[str]
) -> str | None:
    if signer not in registered:
        return "is not a registered signer"
    try:
        recovered = recover(item.digest, item.signature)
    except InputError:
        recovered = None
    if recovered != signer:
        return "did not make the signature sent in its name"
    if item.digest != digest:
        return f"signed another digest, 0x{item.digest.hex()}"
    return None
