"""A chain and its books as a snapshot that the engine margins, as if it were chain state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keeper.backtest.books.all_archetypes import MadeBook
from keeper.backtest.moment import Moment
from keeper.margin.scenarios import Model, model_hash
from keeper.margin.volatility import scan_ranges
from keeper.pricing.svi_arbitrage import Smile
from keeper.state.accounts import Mode, account_id
from keeper.state.snapshot import (
    AccountRow,
    ForwardRow,
    Head,
    LegRow,
    ListingRow,
    ObservationRow,
    Snapshot,
    UnderlyingRow,
    build_snapshot,
)
from keeper.state.tables import Observations
from keeper.units import E8, WAD

_OWNER: Final = bytes(20)
# Parameters of a smile are int64 wad on the wire.
_LARGEST_PARAMETER: Final = 9.0


def publishable(smile: Smile) -> bool:
    """Return whether the parameters fit what feeds publish."""
    parameters = (smile.a, smile.b, smile.rho, smile.m, smile.sigma)
    return all(abs(parameter) < _LARGEST_PARAMETER for parameter in parameters)


def chain_snapshot(
    moment: Moment,
    smiles: Mapping[tuple[int, int], Smile],
    ring: Sequence[ObservationRow],
    open_interest: Mapping[int, int],
    books: Sequence[MadeBook],
    model: Model,
) -> Snapshot:
    """Return the snapshot in which account `n` holds `books[n]`, without cash.

    `open_interest` is in lots by instrument id. Spots are the moment's, scan ranges those of the
    ring, forwards ratios to the spot.
    """
    table = Observations.of_rows([(row.underlying, row.day, row.price_e8) for row in ring])
    ranges = scan_ranges(table, model.scan, model.scan_sigmas())
    lots = {risk.underlying: risk.lot for risk in model.underlyings}
    held = sorted({instrument for book in books for instrument, _ in book.legs})
    return build_snapshot(
        Head(0, 0, moment.time, model_hash(model)),
        [
            UnderlyingRow(number, lots[number], round(spot * E8), moment.time, ranges[number])
            for number, spot in moment.spot.items()
        ],
        _forwards(moment, smiles),
        [ListingRow(instrument, open_interest.get(instrument, 0), 0) for instrument in held],
        [
            AccountRow(
                account_id(_OWNER, number),
                Mode.PORTFOLIO,
                0,
                0,
                0,
                tuple(LegRow(instrument, count, 0) for instrument, count in book.legs),
            )
            for number, book in enumerate(books)
        ],
        observations=ring,
    )


def _forwards(moment: Moment, smiles: Mapping[tuple[int, int], Smile]) -> list[ForwardRow]:
    rows = [ForwardRow(number, 0, WAD, 0, 0, 0, 0, 0, 0, moment.time) for number in moment.spot]
    for (number, expiry), smile in smiles.items():
        ratio = moment.forward[number, expiry] / moment.spot[number]
        rows.append(
            ForwardRow(
                number,
                expiry,
                round(ratio * WAD),
                a=round(smile.a * WAD),
                b=round(smile.b * WAD),
                rho=round(smile.rho * WAD),
                m=round(smile.m * WAD),
                sigma=round(smile.sigma * WAD),
                confidence_wad=0,
                time=moment.time,
            )
        )
    return rows
