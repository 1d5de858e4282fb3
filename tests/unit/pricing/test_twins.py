"""The compiled kernels and numpy give the same bits, whichever of them answers."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keeper.pricing import backend, black76, black76_numpy
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.pricing.normal import cdf, density

ROOT = Path(__file__).resolve().parents[3]
# x86: vfmadd, vfmsub, vfnmadd, vfnmsub; arm: fmadd, fmsub, fnmadd, fnmsub, fmla, fmls.
FUSED = re.compile(r"\bv?fn?m(?:add|sub)\w*|\bfml[as]\b")
COLUMNS = ("price", "delta", "gamma", "vega", "theta")
compiled_only = pytest.mark.skipif(not backend.COMPILED, reason="numba is absent or disabled")


def corners():
    """Every combination of the extremes of each argument."""
    forwards = (0.0, 1e-8, 1.0, 100.0, np.nextafter(100.0, 101.0), 2.0**63 * 1e-8)
    strikes = (0.0, 1e-8, 99.999, 100.0, 2.0**63 * 1e-8)
    vols = (-1.0, 0.0, 1e-150, 0.01, 0.7, 5.0, 100.0)
    years = (-1.0, 0.0, 1e-300, 1 / 31_536_000, 0.5, 10.0, 1e4)
    grid = np.meshgrid(forwards, strikes, vols, years, (0.0, 1.0), indexing="ij")
    f, k, v, t, call = (column.ravel() for column in grid)
    return f, k, v, t, call == 1.0


def sample(count=400_000, seed=11):
    """Log-uniform options, from dust to the widest price, deep in and out of the money."""
    rng = np.random.default_rng(seed)
    f = 10.0 ** rng.uniform(-8, 10.9, count)
    k = f * np.exp(rng.normal(0, 1.5, count))
    vol = 10.0 ** rng.uniform(-3, 1, count)
    years = 10.0 ** rng.uniform(-8, 1.5, count)
    return f, k, vol, years, rng.random(count) < 0.5


def bits(arrays):
    return hashlib.sha256(
        b"".join(np.asarray(a, dtype="<f8").tobytes() for a in arrays)
    ).hexdigest()


def columns(greeks):
    return tuple(getattr(greeks, name) for name in COLUMNS)


@compiled_only
@pytest.mark.parametrize("options", [corners, sample])
def test_compiled__against_numpy__same_bits(options):
    arguments = options()
    expected = black76_numpy.price_and_greeks(*arguments)
    assert all(np.isfinite(column).all() for column in expected)
    assert bits(columns(black76.price_and_greeks(*arguments))) == bits(expected)
    assert bits([black76.price(*arguments)]) == bits(expected[:1])
    assert bits([black76_numpy.price(*arguments)]) == bits(expected[:1])


@compiled_only
def test_compiled__one_at_a_time__same_bits_as_in_a_vector():
    # The rest of a vectorised loop is a scalar loop: both must round alike.
    arguments = tuple(column[:41] for column in sample())
    whole = black76.price(*arguments)
    assert [float(black76.price(*one)) for one in zip(*arguments, strict=True)] == whole.tolist()


@compiled_only
def test_scalars__against_numpy__same_bits():
    from numba import vectorize

    from keeper.pricing import scalars

    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(-40, 40, 50_000), [0.0, -0.0, 37.0, -37.0, 1e300, -1e300]])
    positive = np.ldexp(rng.uniform(0.5, 1, 50_000), rng.integers(-1_000, 1_000, 50_000))
    for scalar, twin, arguments in (
        (scalars.exp1, exp, x * 20),
        (scalars.log1, log, positive),
        (scalars.cdf1, cdf, x[:-2]),
        (scalars.density1, density, x[:-2]),
    ):
        ufunc = vectorize(["f8(f8)"])(scalar.py_func)
        assert bits([ufunc(arguments)]) == bits([twin(arguments)]), twin.__name__


@compiled_only
def test_compiled__machine_code__vectors_and_no_fused_multiply_add():
    from numba import boolean, float64, njit

    from keeper.pricing import compiled

    for kernel, results in ((compiled.price, 1), (compiled.price_and_greeks, 5)):
        fresh = njit(error_model="numpy")(kernel.__wrapped__)  # numba shows no code from its cache
        fresh.compile((*[float64[::1]] * 4, boolean[::1], *[float64[::1]] * results))
        (assembly,) = fresh.inspect_asm().values()
        assert "sqrt" in assembly
        assert not FUSED.findall(assembly)
        (ir,) = fresh.inspect_llvm().values()
        assert re.search(r"fdiv <\d+ x double>", ir), "the loop is not vectorised"


def test_fused_multiply_add__planted__is_found():
    lines = ("vfmadd213pd %ymm0, %ymm1, %ymm2", "vfnmadd231sd", "fmadd d0, d1, d2", "fmla v0.2d")
    assert all(FUSED.search(line) for line in lines)
    assert not FUSED.search("vmulpd %ymm0, %ymm1\n fmul d0, d1, d2")


@compiled_only
def test_compiled__cached_name__follows_every_constant_it_froze(monkeypatch):
    from keeper.pricing import jit, scalars

    def loop(x):
        return scalar(x)  # noqa: F821 - the globals are given below

    loop = type(loop)(loop.__code__, {"scalar": scalars.exp1})
    before = b"".join(jit._frozen(loop))
    assert before == b"".join(jit._frozen(loop))
    monkeypatch.setitem(scalars.exp1.py_func.__globals__, "_E3", 0.00833)
    assert b"".join(jit._frozen(loop)) != before


@compiled_only
def test_kernel__no_folder_for_a_cache__compiles_without():
    from keeper.pricing.jit import kernel

    namespace = {}
    source = "def loop(x, out):\n    for n in range(x.size):\n        out[n] = x[n] / 3.0\n"
    exec(compile(source, "nowhere.py", "exec"), namespace)  # noqa: S102 - a function without a file
    out = np.empty(2)
    kernel(namespace["loop"])(np.array([1.0, 6.0]), out)
    assert out.tolist() == [1 / 3, 2.0]


@compiled_only
@pytest.mark.parametrize("damage", ["empty", "cut short", "unreadable"])
def test_kernel__damaged_cache__compiles_anew(tmp_path, damage):
    file = tmp_path / "options.npy"
    np.save(file, [column[:100] for column in sample(100)])
    folder = tmp_path / "cache"
    runs = []
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(blocked=False, file=str(file))],
            env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        runs.append(bits(np.load(file)))
        if len(runs) == 2:
            break
        np.save(file, [column[:100] for column in sample(100)])
        entries = [p for p in folder.rglob("*") if p.suffix in {".nbi", ".nbc"}]
        assert entries
        for entry in entries:
            content = entry.read_bytes()
            entry.unlink()
            if damage == "unreadable":
                entry.mkdir()
            else:
                entry.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    assert runs[0] == runs[1]


PROGRAM = """
import sys
if {blocked}:
    sys.modules["numba"] = None
import numpy as np
from keeper.pricing import backend, black76
assert sys.modules.get("numba") is None, "numba was imported before the first price"
f, k, vol, years, call = np.load({file!r})
greeks = black76.price_and_greeks(f, k, vol, years, call == 1.0)
np.save({file!r}, [greeks.price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta])
print(backend.COMPILED, "keeper.pricing.compiled" in sys.modules)
"""


@pytest.mark.parametrize(
    ("blocked", "disabled"), [(True, "0"), (False, "1")], ids=["no numba", "NUMBA_DISABLE_JIT"]
)
def test_price_and_greeks__without_compiler__numpy_answers_with_same_bits(
    tmp_path, blocked, disabled
):
    arguments = [np.concatenate(pair) for pair in zip(corners(), sample(20_000), strict=True)]
    file = tmp_path / "options.npy"
    np.save(file, arguments)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(blocked=blocked, file=str(file))],
        env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["False", "False"]
    assert bits(np.load(file)) == bits(columns(black76.price_and_greeks(*arguments)))


def test_price_and_greeks__blocks_of_numpy__same_bits_as_whole(monkeypatch):
    arguments = sample(10_000)
    monkeypatch.setattr(backend, "_compiled", lambda: False)
    assert bits(columns(black76.price_and_greeks(*arguments))) == bits(
        black76_numpy.price_and_greeks(*arguments)
    )
    assert bits([black76.price(*arguments)]) == bits([black76_numpy.price(*arguments)])


def test_price__arguments__left_writeable_and_read_only_ones_taken():
    f, k, vol, years, call = sample(100)
    expected = black76.price(f, k, vol, years, call)
    assert f.flags.writeable
    f.flags.writeable = False
    strided = np.repeat(k, 2)[::2]
    assert bits([black76.price(f, strided, vol, years, call)]) == bits([expected])


def test_price__no_options__empty():
    empty = np.empty((0, 3))
    assert black76.price(empty, 1.0, 0.5, 1.0, True).shape == (0, 3)
    assert black76.price_and_greeks(empty, 1.0, 0.5, 1.0, True).theta.shape == (0, 3)
