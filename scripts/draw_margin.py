"""Writes docs/margin.txt and docs/margin.png: what `keeper margin` says of one made-up account.

The account is the one closest to its liquidation, but not beyond, among those of a dozen legs and
more that hold every underlying.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Final

from keeper.cli.app import main as keeper
from keeper.cli.model_file import load_model
from keeper.margin.explain import explain
from keeper.state.body import decode
from keeper.units import BPS

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
BOOK: Final = ("--accounts", "200", "--positions", "2400", "--listings", "200", "--seed", "1")
LEAST_LEGS: Final = 12


def main() -> None:
    """Make the book, choose the account, write both files."""
    with tempfile.TemporaryDirectory() as directory:
        body = Path(directory) / "book.body"
        output_of("book", *BOOK, "--out", str(body))
        account = f"0x{closest(body).hex()}"
        picture = ("--plot", str(DOCS / "margin.png"))
        text = output_of("margin", account, "--body", str(body), *picture)
    lines = [line.rstrip() for line in text.splitlines()]
    (DOCS / "margin.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def output_of(*arguments: str) -> str:
    """Run a verb and return what it prints; SystemExit where it fails."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            code = keeper(arguments)
        except SystemExit as done:  # how a verb ends, also well
            code = done.code
    if code:
        raise SystemExit(f"keeper {arguments[0]} ended with {code}")
    return out.getvalue()


def closest(body: Path) -> bytes:
    """Return the account to show."""
    model, snapshot = load_model(None), decode(body.read_bytes())
    rows = (snapshot.accounts.legs >= LEAST_LEGS).nonzero()[0].tolist()
    shown = [explain(snapshot, model, snapshot.accounts.account[row].tobytes()) for row in rows]
    fit = [
        one
        for one in shown
        if len(one.liquidation) == len(model.underlyings) and (one.utilisation_bps or BPS) < BPS
    ]
    return max(fit, key=lambda one: one.utilisation_bps or 0).account


if __name__ == "__main__":
    main()
