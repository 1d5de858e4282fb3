"""Runs the demo and writes docs/demo.txt, and docs/demo.svg, the picture of the README.

The picture is the live view at the bottom of the crash, with the last lines of the run below it.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from keeper.devnet.demo import run
from keeper.devnet.embedded import EmbeddedChain
from keeper.devnet.market import STEP_HOURS
from keeper.devnet.stage import GENESIS_TIME, build_stage
from keeper.devnet.summary import tables
from keeper.devnet.view import EpochLine, Picture, PlainView
from keeper.telemetry.logging import configure_logging

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 120
PICTURE_LINES = 44
BOTTOM_HOUR = 24


class CapturingView(PlainView):
    """Prints plain lines, and keeps the picture as it stood when the market was at its lowest."""

    def __init__(self, console: Console, picture: Console) -> None:
        super().__init__(console)
        self._picture = Picture()
        self._picture_console = picture

    def epoch(self, line: EpochLine) -> None:
        """Take in an epoch."""
        last = self._picture.last
        if last is not None and last.hour == BOTTOM_HOUR:
            self._picture_console.print(self._picture.render(PICTURE_LINES))
        self._picture.add_epoch(line)
        super().epoch(line)

    def note(self, time: int, text: str) -> None:
        """Take in an event."""
        self._picture.add_note(time, text)
        super().note(time, text)


def main() -> None:
    """Run the demo once and write both files."""
    configure_logging("error")
    text = Console(record=True, width=WIDTH, highlight=False)
    picture = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as directory:
        stage = build_stage(EmbeddedChain(GENESIS_TIME), Path(directory))
        with CapturingView(text, picture) as view:
            record = run(stage, STEP_HOURS, view)
        stage.close()
    text.print(tables(record))
    equal = sum(verdict.ok for verdict in record.verdicts)
    picture.print(
        Text(f"{equal} of {len(record.epochs)} epochs are equal to the byte", "bold green")
    )
    (DOCS / "demo.txt").write_text(text.export_text(), encoding="utf-8")
    (DOCS / "demo.svg").write_text(picture.export_svg(title="make demo"), encoding="utf-8")
    if record.problems:
        raise SystemExit("; ".join(record.problems))


if __name__ == "__main__":
    main()
