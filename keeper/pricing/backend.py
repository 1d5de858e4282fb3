"""Which twin of the kernels answers: compiled by numba, or numpy. Their bits are the same.

`COMPILED` is true where numba can be imported and `NUMBA_DISABLE_JIT` is unset or 0: interpreted
kernels would be a thousand times slower than numpy. It is found out at its first use, as importing
numba costs a third of a second that verbs without prices need not pay. So read it inside functions
(`backend.COMPILED`), and import modules with kernels there too.
"""

from __future__ import annotations

from functools import cache

COMPILED: bool


def __getattr__(name: str) -> bool:
    if name == "COMPILED":
        return _compiled()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _compiled() -> bool:
    try:
        from numba.core import config
    except ImportError:  # absent, or built for another numpy
        return False
    return not config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue] - set at run time
