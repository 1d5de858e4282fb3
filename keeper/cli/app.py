"""The `keeper` command: its verbs, and how errors become one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from keeper import __version__
from keeper.errors import KeeperError
from keeper.telemetry.redaction import redact_text

EXIT_UNEXPECTED = 1
VERBS = (
    "demo",
    "run",
    "verify",
    "margin",
    "digest",
    "book",
    "vectors",
    "restore",
    "surface",
    "backtest",
    "stress",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keeper {__version__}")
        raise typer.Exit


def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Computes portfolio margin, attests it on-chain and liquidates by proof."""


def application(verbs: Iterable[str]) -> typer.Typer:
    """Return the command with these verbs, each from the module of its name.

    Only what is asked for is imported: a verb without a chain starts without web3.
    """
    app = typer.Typer(
        name="keeper",
        help="Computes portfolio margin, attests it on-chain and liquidates by proof.",
        epilog=(
            "Exit codes: 0 ok, 1 unexpected, 2 usage, 3 mismatch, 4 cannot restore, 65 bad input, "
            "66 keystore unusable, 69 node unavailable, 73 signing refused, "
            "74 zero or stale price, 75 no quorum, 76 reverted, 77 signer, 78 configuration, "
            "79 wrong password, 80 wrong chain, 81 not deployed."
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(options)
    for verb in verbs:
        module = import_module(f"keeper.cli.{verb}")
        if hasattr(module, "group"):
            app.add_typer(module.group, name=verb)
        else:
            app.command(verb)(module.command)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; usage errors leave as SystemExit(2)."""
    args = list(sys.argv[1:] if argv is None else argv)
    first = next((arg for arg in args if not arg.startswith("-")), None)
    try:
        application([first] if first in VERBS else VERBS)(args)
    except KeeperError as error:
        if "--debug" in args:
            raise
        _report(str(error))
        return error.exit_code
    except Exception as error:
        if "--debug" in args:
            raise
        _report(f"unexpected {type(error).__name__}: {error} (a bug: run keeper --debug ...)")
        return EXIT_UNEXPECTED
    return 0


def _report(message: str) -> None:
    """One line, whatever the message had, and without secrets."""
    parts = (part.strip().removeprefix("- ") for part in message.splitlines() if part)
    line = "; ".join(parts).replace(":; ", ": ")
    typer.echo(f"error: {redact_text(line)}", err=True)
