"""A surface update on its way between signers: a file of JSON, with the signatures so far.

One proposer writes it unsigned. A co-signer compares it with what he fits himself, and adds his
signature. Whoever has a threshold of signatures may post it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, cast

from pydantic_core import from_json

from keeper.attestation.signature import CompactSignature
from keeper.attestation.typed_data import ExpiryQuote, SurfaceUpdate, feeds_domain
from keeper.errors import InputError
from keeper.quorum.collect import SignedAttestation, collect
from keeper.tx.signers.base import Signer

_VERSION: Final = 1
_QUOTE_FIELDS: Final = tuple(field.name for field in fields(ExpiryQuote))


@dataclass(frozen=True, slots=True)
class SurfaceFile:
    """An update for the MarketFeeds at `feeds` on `chain_id`, from the chain called `source`."""

    chain_id: int
    feeds: str
    source: str
    update: SurfaceUpdate
    signatures: tuple[SignedAttestation, ...] = ()

    def digest(self) -> bytes:
        """Return what is signed."""
        return self.update.digest(feeds_domain(self.chain_id, self.feeds))

    def signed_by(self, signer: Signer) -> SurfaceFile:
        """Return the file with one more signature."""
        signature = signer.sign_digest(self.digest())
        mine = SignedAttestation(signer.address, self.digest(), signature)
        others = tuple(s for s in self.signatures if s.signer != signer.address)
        return replace(self, signatures=(*others, mine))

    def quorum(self, signers: Sequence[str], threshold: int) -> tuple[CompactSignature, ...]:
        """Return the signatures that MarketFeeds takes; QuorumNotReached says what is wrong."""
        return collect(self.signatures, self.digest(), signers, threshold)

    def arguments(self, signatures: Iterable[CompactSignature]) -> tuple[Any, ...]:
        """Return the arguments of `updateSurface`."""
        quotes = [
            tuple(getattr(quote, name) for name in _QUOTE_FIELDS) for quote in self.update.quotes
        ]
        pairs = [(signature.r, signature.vs) for signature in signatures]
        return (self.update.underlying, self.update.time, quotes, pairs)


def together(files: Sequence[SurfaceFile]) -> SurfaceFile:
    """Return one file with the signatures of all; InputError unless all speak of one update."""
    first = files[0]
    for other in files[1:]:
        if other.digest() != first.digest():
            raise InputError(
                f"the update of {other.source} is another than that of {first.source}: "
                "give files of one update"
            )
    signatures = {s.signer: s for file in files for s in file.signatures}
    return replace(first, signatures=tuple(signatures.values()))


def save(file: SurfaceFile, path: Path) -> None:
    """Write the file; integers beyond 2^53 as text, so that no reader rounds them."""
    body = {
        "version": _VERSION,
        "chainId": file.chain_id,
        "feeds": file.feeds,
        "source": file.source,
        "digest": f"0x{file.digest().hex()}",
        "underlying": file.update.underlying,
        "time": file.update.time,
        "quotes": [
            {name: str(getattr(quote, name)) for name in _QUOTE_FIELDS}
            for quote in file.update.quotes
        ],
        "signatures": [
            {
                "signer": signed.signer,
                "r": f"0x{signed.signature.r.hex()}",
                "vs": f"0x{signed.signature.vs.hex()}",
            }
            for signed in file.signatures
        ],
    }
    try:
        path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"update {path}: {error.strerror}") from error


def load(path: Path) -> SurfaceFile:
    """Read a file; InputError names what is wrong with it.

    The digest is computed anew: one that differs from the file's says that quotes were changed.
    """
    try:
        # The standard library's reader overflows the stack where the limit of recursion was raised.
        body: Any = from_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"update {path}: {error.strerror}") from error
    except ValueError:
        raise InputError(f"update {path}: not JSON") from None
    try:
        file = _parsed(cast("dict[str, Any]", body))
        stated = bytes.fromhex(body["digest"].removeprefix("0x"))
    except InputError as error:
        raise InputError(f"update {path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"{type(error).__name__} {error}"
        raise InputError(
            f"update {path}: not an update as `publish` writes it: {problem}"
        ) from None
    if stated != file.digest():
        raise InputError(
            f"update {path}: its digest is not that of its quotes: one of them was changed"
        )
    return file


def _parsed(body: dict[str, Any]) -> SurfaceFile:
    if body["version"] != _VERSION:
        raise InputError(f"version {body['version']}: this keeper reads version {_VERSION}")
    quotes = tuple(
        ExpiryQuote(**{name: int(quote[name]) for name in _QUOTE_FIELDS})
        for quote in body["quotes"]
    )
    update = SurfaceUpdate(body["underlying"], body["time"], quotes)
    file = SurfaceFile(body["chainId"], body["feeds"], str(body["source"]), update)
    digest = file.digest()
    signed = tuple(
        SignedAttestation(
            signature["signer"],
            digest,
            CompactSignature(_bytes(signature["r"]), _bytes(signature["vs"])),
        )
        for signature in body["signatures"]
    )
    return replace(file, signatures=signed)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
