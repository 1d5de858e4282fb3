"""The smiles of chains, each fitted to its own quotes with the smiles before it at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.calibration.surface import Surface, fit_surface
from keeper.pricing.svi_arbitrage import Smile
from keeper.state.option_chain import OptionChain


@dataclass(frozen=True, slots=True)
class ChainSmiles:
    """The accepted smiles of a chain by underlying and expiry.

    `origins` counts accepted expiries by where the smile comes from, `refused` those that feeds
    would not publish: no book of that moment holds them.
    """

    smile: Mapping[tuple[int, int], Smile]
    origins: Mapping[str, int]
    refused: int


def chain_smiles(chains: Sequence[OptionChain]) -> list[ChainSmiles]:
    """Return the smiles of each chain; they are in order of time."""
    found: list[ChainSmiles] = []
    before: Surface | None = None
    for chain in chains:
        surface = fit_surface(chain, before)
        accepted = [fit for fit in surface.fits if fit.accepted]
        found.append(
            ChainSmiles(
                smile={
                    (fit.underlying, fit.expiry): fit.smile
                    for fit in accepted
                    if fit.smile is not None
                },
                origins=dict(Counter(fit.origin.name.lower() for fit in accepted)),
                refused=len(surface.fits) - len(accepted),
            )
        )
        before = surface
    return found
