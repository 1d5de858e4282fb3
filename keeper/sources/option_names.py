"""Names of options as Deribit writes them: BTC-27MAR26-90000-C, XRP_USDC-30JUN26-0d5-P."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from keeper.units import E8

EXPIRY_HOUR: Final = 8
"""UTC; the name tells the day only."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
_NAME: Final = re.compile(
    rf"(?P<symbol>[A-Z0-9_]{{1,20}})-(?P<day>[0-9]{{1,2}})(?P<month>{'|'.join(_MONTHS)})"
    r"(?P<year>[0-9]{2})-(?P<whole>[0-9]{1,10})(?:d(?P<fraction>[0-9]{1,8}))?-(?P<right>[CP])",
    re.ASCII,
)


class OptionName(NamedTuple):
    """What a name says; `expiry` in Unix seconds, `strike_e8` in 1e-8 USD."""

    symbol: str
    expiry: int
    strike_e8: int
    is_call: bool


@lru_cache(maxsize=1 << 16)  # a quarter lists some ten thousand names, each in hundreds of files
def parse_option(text: str) -> OptionName | None:
    """Return what the name of an option says, or None where it is no such name."""
    form = _NAME.fullmatch(text)
    if form is None:
        return None
    month = _MONTHS[form["month"]]
    try:
        day = datetime(2000 + int(form["year"]), month, int(form["day"]), EXPIRY_HOUR, tzinfo=UTC)
    except ValueError:
        return None
    strike_e8 = int(form["whole"]) * E8 + int(f"{form['fraction'] or '':0<8}")
    if strike_e8 == 0:
        return None
    return OptionName(form["symbol"], int(day.timestamp()), strike_e8, form["right"] == "C")
