"""The tree of errors: exit codes, retries, and what the docstring promises."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from keeper import errors
from keeper.errors import KeeperError, Reverted

CLASSES = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KeeperError)
]


@pytest.mark.parametrize("kind", CLASSES)
def test_errors__drawn_in_the_docstring__with_their_exit_code(kind):
    drawn = dict(re.findall(r"(\w+) +(\d+)  ", errors.__doc__ or ""))
    assert drawn[kind.__name__] == str(kind.exit_code)


def test_errors__chain_unavailable__is_the_one_to_retry():
    assert [kind.__name__ for kind in CLASSES if kind.retryable] == ["ChainUnavailable"]


def test_reverted__name_and_arguments__kept_and_shown():
    error = Reverted("NotBelowMargin", (1, 2))
    assert (error.name, error.arguments) == ("NotBelowMargin", (1, 2))
    assert str(error) == "reverted: NotBelowMargin(1, 2)"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.name, again.arguments) == (error.name, error.arguments)
