"""Text of a file, packed by gzip where its name ends in .gz."""

from __future__ import annotations

import gzip
from pathlib import Path


def packed_text(path: Path) -> str:
    """Return what the file says, UTF-8 with or without its mark.

    A packed file without its checksum proves nothing of itself: EOFError for one cut short.
    Raises OSError, zlib.error or UnicodeDecodeError where it cannot be read.
    """
    packed = path.read_bytes()
    return (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8-sig")
