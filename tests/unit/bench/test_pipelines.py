"""The whole smoke run: every benchmark that runs in this process, and that its results agree."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from scripts.bench import book, kernel, restoration, tree
from scripts.bench.limits import Limits
from scripts.bench.memory import ChildFailed, run_child
from scripts.bench.sizes import QUICK

SMALL = replace(
    QUICK,
    options=200,
    quantlib_options=20,
    reference_options=10,
    accounts=40,
    tree_leaves=5,
    rounds=1,
)
LIMIT = Limits(threads=2, flops=1e9, divisions=1e9, bandwidth=1e9)


def test_kernel__few_options__agrees_with_ndtr_quantlib_and_mpmath():
    figures = kernel.run(SMALL, [LIMIT])
    assert [figure.met for figure in figures if "mpmath" in figure.case] == [True]
    assert sum("QuantLib" in figure.against for figure in figures) == 2


def test_book__few_accounts__agrees_with_scipy():
    whole, alone = book.run(SMALL, LIMIT), book.run_account(SMALL)
    assert {figure.benchmark for figure in whole + alone} == {"book", "account"}


def test_tree__odd_number_of_leaves__agrees_with_eth_abi():
    assert tree.run(SMALL)[0].target is not None


def test_restoration__small_market__a_plan_not_dearer_than_pro_rata():
    figures = restoration.run(SMALL)
    assert [figure.met for figure in figures if "cost" in figure.case] in ([], [True])


def test_run_child__touches_fifty_megabytes__counts_them():
    little = run_child([sys.executable, "-c", "pass"])
    more = run_child([sys.executable, "-c", "bytearray(b'x') * 50_000_000"])
    assert 45e6 < more.peak_bytes - little.peak_bytes < 100e6


def test_run_child__fails__repeats_what_it_said():
    with pytest.raises(ChildFailed, match="no such book"):
        run_child([sys.executable, "-c", "raise SystemExit('no such book')"])
