"""How this project compiles: two decorators over numba, without anything that could change a bit.

No `fastmath` (it reassociates sums and contracts to fused multiply-adds) and no `prange` (its
schedule orders sums): threads come from outside, over kernels that let go of the interpreter lock.
Importing this module imports numba; ask `keeper.pricing.backend.COMPILED` first.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

# What numba lets through when its cache is cut short, unreadable, or on a full disk. A kernel does
# no input or output of its own, so nothing else can mean these.
_CACHE_ERRORS: Final = (EOFError, OSError, pickle.PickleError)


def scalar(function: Function) -> Function:
    """Compile a function of numbers that kernels inline; division by zero gives inf or NaN."""
    return cast(Function, numba.njit(error_model="numpy", forceinline=True)(function))


def part(function: Function) -> Function:
    """Compile a loop that kernels take in as if it stood in them.

    Before anything is optimised: a loop that is vectorised alone, and inlined after that, has lost
    what the kernel knows of its types, and multiplies 32 bits as if they were 64.
    """
    return cast(Function, numba.njit(error_model="numpy", inline="always")(function))


def kernel(function: Function) -> Function:
    """Compile a loop over arrays, without the interpreter lock, cached on disk where possible.

    A cache that cannot be used costs the time to compile and nothing else. numba renews its cache
    when the file of the loop changes, but not when a function or constant that the loop took from
    another file does: stale code would price with stale bits. Hence the name of the cache entry
    holds a digest of them all. They must be imported by name.
    """
    frozen = b"\0".join(_frozen(cast(FunctionType, function)))
    sources = hashlib.sha256(frozen).hexdigest()[:16]
    function.__qualname__ = f"{function.__qualname__}_{sources}"
    uncached = numba.njit(error_model="numpy", nogil=True)
    try:
        loop = numba.njit(error_model="numpy", nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no folder that it may write to
        loop = uncached(function)

    @wraps(function)
    def call(*arguments: Any) -> Any:  # noqa: ANN401 (as the loop has them)
        nonlocal loop
        try:
            return loop(*arguments)
        except _CACHE_ERRORS:
            loop = uncached(function)
            return loop(*arguments)

    return cast(Function, call)


def _frozen(function: FunctionType) -> Iterator[bytes]:
    """Yield the code of `function` and all that numba freezes into it."""
    code = function.__code__
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_consts)).encode()
    for name in code.co_names:
        value: Any = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            yield repr(sorted(value.targetoptions.items())).encode()
            yield from _frozen(value.py_func)
        elif isinstance(value, int | float | np.generic | tuple):
            yield f"{name}={value!r}".encode()
