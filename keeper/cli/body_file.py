"""Reading a saved snapshot body, with the file named in whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

from keeper.errors import InputError
from keeper.state.body import decode
from keeper.state.snapshot import Snapshot


def read_body(path: Path) -> bytes:
    """Return the bytes of a file; raise InputError that names it where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"body {path}: {error.strerror}") from error


def decode_body(body: bytes, source: Path | str) -> Snapshot:
    """Return the snapshot; raise InputError that names the source where it is not canonical."""
    try:
        return decode(body)
    except InputError as error:
        raise InputError(f"body {source}: {error}") from error


def load_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in a file; raise InputError as the two above do."""
    return decode_body(read_body(path), path)
