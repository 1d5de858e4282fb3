"""Journal that keeps a signer from contradicting itself, across crashes and restarts.

Append-only, one JSON object a line, synced to disk *before* a signature is released. For one epoch,
reference block hash and configuration a signer releases one digest, ever; an older epoch than the
newest it signed, none. After a reorg the same epoch has another hash and may be signed again.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from keeper.attestation.eip712 import Domain
from keeper.attestation.typed_data import MarginAttestation
from keeper.errors import SignerError, SigningRefused
from keeper.quorum.collect import SignedAttestation
from keeper.tx.signers.base import Signer

HASH_TEXT_LENGTH = len("0x") + 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which digest was signed for which epoch, block and configuration."""

    epoch: int
    ref_block_hash: bytes
    config_digest: bytes
    digest: bytes

    @property
    def key(self) -> tuple[int, bytes, bytes]:
        """What may have one digest only."""
        return self.epoch, self.ref_block_hash, self.config_digest

    def to_line(self) -> bytes:
        """Encode as one line of JSON, hashes as 0x hex."""
        columns = {
            field.name: value if isinstance(value, int) else f"0x{value.hex()}"
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }
        return json.dumps(columns).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Entry:
        """Decode a line.

        Raises:
            ValueError: anything but what `to_line` writes.
        """
        columns = json.loads(line)
        if not isinstance(columns, dict):
            raise ValueError("not an object")
        columns = cast("dict[str, object]", columns)
        values = [_hash_or_int(columns.get(field.name)) for field in fields(cls)]
        entry = cls(*values)  # pyright: ignore[reportArgumentType]
        if entry.to_line().rstrip() != line.rstrip():
            raise ValueError("not a journal entry")
        return entry


class SigningLog:
    """The open journal of one signer on one deployment. One process and thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the journal, lock it, and repair a line that a crash cut off.

        Raises:
            SignerError: another process has it, it cannot be opened, or a line is damaged.
        """
        self._path = path
        self._mutex = threading.Lock()
        self._signed: dict[tuple[int, bytes, bytes], bytes] = {}
        self._newest_epoch = -1
        try:
            self._file: BinaryIO = path.open("a+b", buffering=0)
            _sync_directory(path.parent)
        except OSError as error:
            raise SignerError(f"signing log {path}: {error.strerror}") from error
        try:
            _lock(self._file, path)
            self._recover()
        except BaseException:
            self._file.close()
            raise

    def record(self, entry: Entry) -> None:
        """Make it durable that this digest is signed. On return the signature may be released.

        The same digest again is allowed and writes nothing.

        Raises:
            SigningRefused: it contradicts what was signed, or its epoch is below the newest signed.
            SignerError: the disk failed; after that the journal refuses everything until it is
                reopened.
        """
        with self._mutex:
            if self._file.closed:
                raise SignerError(f"signing log {self._path}: closed; reopen it before signing")
            if self._is_new(entry):
                self._append(entry)
                self._remember(entry)

    def sign(
        self, attestation: MarginAttestation, domain: Domain, signer: Signer
    ) -> SignedAttestation:
        """Sign an attestation, recording it first: the one way a keeper signs.

        Raises:
            SignerError: as `record`, or the signer refuses.
        """
        digest = attestation.digest(domain)
        self.record(
            Entry(attestation.epoch, attestation.ref_block_hash, attestation.config_digest, digest)
        )
        return SignedAttestation(signer.address, digest, signer.sign_digest(digest))

    def close(self) -> None:
        """Close the file, which releases its lock."""
        with self._mutex:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_new(self, entry: Entry) -> bool:
        if entry.epoch < self._newest_epoch:
            raise SigningRefused(
                f"epoch {entry.epoch} is older than {self._newest_epoch}, which is signed already"
            )
        signed = self._signed.get(entry.key)
        if signed is None or signed == entry.digest:
            return signed is None
        raise SigningRefused(
            f"epoch {entry.epoch} at block 0x{entry.ref_block_hash.hex()} is signed already as "
            f"0x{signed.hex()}: refusing to sign 0x{entry.digest.hex()} as well"
        )

    def _append(self, entry: Entry) -> None:
        line = entry.to_line()
        try:
            written = self._file.write(line)
            os.fsync(self._file.fileno())
        except BaseException as error:
            # What reached the disk is unknown now; only reading it again can tell.
            self._file.close()
            if not isinstance(error, OSError):
                raise
            raise SignerError(f"signing log {self._path}: {error.strerror}") from error
        if written != len(line):
            self._file.close()
            raise SignerError(f"signing log {self._path}: {written} of {len(line)} bytes written")

    def _remember(self, entry: Entry) -> None:
        if entry.epoch > self._newest_epoch:
            self._signed.clear()
        self._newest_epoch = entry.epoch
        self._signed[entry.key] = entry.digest

    def _recover(self) -> None:
        self._file.seek(0)
        *lines, torn = self._file.read().split(b"\n")
        for number, line in enumerate(lines, start=1):
            self._replay(line, number)
        if torn:
            # Its write never returned, so its signature was never released.
            self._file.truncate(sum(len(line) + 1 for line in lines))
            os.fsync(self._file.fileno())

    def _replay(self, line: bytes, number: int) -> None:
        try:
            entry = Entry.from_line(line)
            is_new = self._is_new(entry)
        except (ValueError, SignerError, SigningRefused) as error:
            raise SignerError(
                f"signing log {self._path}: line {number} is damaged ({error}); restore it from a "
                f"copy, or retire this key"
            ) from error
        if is_new:
            self._remember(entry)


def _hash_or_int(value: object) -> bytes | int:
    if type(value) is int:
        return value
    if isinstance(value, str) and len(value) == HASH_TEXT_LENGTH:
        return bytes.fromhex(value.removeprefix("0x"))
    raise ValueError("a field is missing or malformed")


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SignerError(f"signing log {path}: another process has it open") from error


def _sync_directory(directory: Path) -> None:
    """Make a new file's name durable too; Windows cannot open directories, nor need it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
