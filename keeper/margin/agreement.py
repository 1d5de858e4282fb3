"""Whether a snapshot may be valued by a model: the same one, with ranges that follow from it.

Nor may a snapshot hold what a valuation would pass over: what is attested has been counted.
"""

from __future__ import annotations

from keeper.errors import InputError, MarketDataError
from keeper.margin.collateral import require_tokens
from keeper.margin.scenarios import Model, model_hash
from keeper.margin.volatility import enough_prices, scan_range
from keeper.state.snapshot import Snapshot


def require_agreement(snapshot: Snapshot, model: Model) -> None:
    """Refuse a snapshot of another model or of more than it values, and contradicted scan ranges.

    Scan ranges follow from daily prices, or are the owner's floor above them, up to the rule's cap;
    where the prices are fewer than MIN_OBSERVATIONS, the range is the model's. A snapshot without
    any comes from a chain that keeps no ring: its ranges stand as they are. Raises InputError for
    another model, tables of later versions or misordered prices; MarketDataError for a price of
    zero or a contradicted range; either for tokens, as `collateral.require_tokens` does.
    """
    if snapshot.head.model_hash != model_hash(model):
        raise InputError(
            f"HEAD.model_hash is 0x{snapshot.head.model_hash.hex()}, but the model given hashes to "
            f"0x{model_hash(model).hex()}: use the model of that epoch"
        )
    _require_one_world(snapshot)
    require_tokens(snapshot)
    if len(snapshot.observations):
        _require_scan_ranges(snapshot, model)


def _require_one_world(snapshot: Snapshot) -> None:
    if rows := len(snapshot.second_marks):
        raise InputError(
            f"MRK2 has {rows} rows, but this version values one world only: leave them out, or "
            "use a keeper that counts them"
        )


def _require_scan_ranges(snapshot: Snapshot, model: Model) -> None:
    table, constants = snapshot.underlyings, {r.underlying: r.scan_range for r in model.underlyings}
    listed: list[int] = table.underlying.tolist()
    if unknown := sorted(set(listed) - constants.keys()):
        raise InputError(f"the model lacks underlyings {unknown}, which UNDL has: add them")
    prices, sigmas = enough_prices(snapshot.observations), model.scan_sigmas()
    if unknown := sorted(set(snapshot.observations.underlying.tolist()) - constants.keys()):
        raise InputError(f"the model lacks underlyings {unknown}, which are observed: add them")
    wanted = constants | {u: scan_range(prices[u], model.scan, sigmas[u]) for u in prices}
    for underlying, found in zip(listed, table.scan_range_wad.tolist(), strict=True):
        floored = underlying in prices and wanted[underlying] < found <= model.scan.cap_wad
        if found != wanted[underlying] and not floored:
            raise MarketDataError(
                f"underlying {underlying}: scan_range_wad is {found}, but its daily prices give "
                f"{wanted[underlying]}: check the ring of the feeds"
            )
