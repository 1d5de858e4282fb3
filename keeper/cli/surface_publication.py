"""The three steps of a publication: propose, sign, post."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from keeper.attestation.typed_data import SurfaceUpdate
from keeper.calibration.surface import Surface
from keeper.chain.feeds import FeedState, feed_state
from keeper.cli.compose import GWEI, Source
from keeper.cli.config import Settings
from keeper.clock import SystemClock
from keeper.errors import ConfigError, SigningRefused
from keeper.quorum.speed_limit import excesses
from keeper.quorum.surface_check import require_agreement
from keeper.quorum.surface_file import SurfaceFile, load, save, together
from keeper.quorum.surface_quotes import quotes_of
from keeper.tx.fees import FeePolicy
from keeper.tx.sender import DryRunSender, SigningSender, TransactionSender, TxRequest
from keeper.tx.signers.keystore import KeystoreSigner

SLOT_SECONDS: Final = 60
"""MarketFeeds takes times that are multiples of it, and at most so old."""

MOST_AHEAD_SECONDS: Final = 5 * SLOT_SECONDS
"""Blocks come late on a quiet chain."""

Result = dict[str, Any]


def propose(
    source: Source,
    surface: Surface,
    underlying: int,
    perpetual_ratio_wad: int,
    time: int | None,
    out: Path,
) -> Result:
    """Write an unsigned update of the surface; `time` is the slot of now where it is None."""
    slot = (SystemClock().now() if time is None else time) // SLOT_SECONDS * SLOT_SECONDS
    state = _state(source, underlying)
    quotes = quotes_of(surface, underlying, state.live(slot), slot, perpetual_ratio_wad)
    update = SurfaceUpdate(underlying, slot, quotes)
    _require_speed(state, update)
    feeds = source.deployment.market_feeds
    file = SurfaceFile(source.client.chain_id, feeds.address, surface.source, update)
    save(file, out)
    return _result(file, state, out)


def sign(
    settings: Settings,
    source: Source,
    surface: Surface,
    update: Path,
    perpetual_ratio_wad: int,
    out: Path,
) -> Result:
    """Compare an update with the own surface, and write it with one's signatures.

    Raises SigningRefused where they differ by more than the tolerance, break a speed limit, or
    where the update is for later than now.
    """
    if not settings.feed_signers:
        raise ConfigError("feed_signers are missing: give the keystores that sign for MarketFeeds")
    file = load(update)
    _require_addressee(source, file)
    state = _state(source, file.update.underlying)
    proposed = file.update
    live = state.live(proposed.time)
    own = quotes_of(surface, proposed.underlying, live, proposed.time, perpetual_ratio_wad)
    require_agreement(proposed.quotes, own, proposed.time)
    _require_speed(state, proposed)
    _require_present(source, proposed)
    for entry in settings.feed_signers:
        file = file.signed_by(KeystoreSigner.load(entry.keystore, entry.password_file))
    save(file, out)
    return _result(file, state, out)


def post(settings: Settings, source: Source, updates: list[Path]) -> Result:
    """Post one update with the signatures of all files; a dry run without a sender."""
    file = together([load(path) for path in updates])
    _require_addressee(source, file)
    state = _state(source, file.update.underlying)
    signatures = file.quorum(state.signers, state.threshold)
    _require_speed(state, file.update)
    request = TxRequest(
        source.deployment.market_feeds,
        "updateSurface",
        file.arguments(signatures),
        f"surface of {file.source}",
    )
    outcome = _sender(settings, source).send(request)
    sent = "dry run" if outcome is None else f"0x{outcome.hash.hex()}"
    return _result(file, state, None) | {"transaction": sent}


def _state(source: Source, underlying: int) -> FeedState:
    client = source.client
    return feed_state(client, source.deployment.market_feeds, underlying, client.head())


def _require_addressee(source: Source, file: SurfaceFile) -> None:
    here = (source.client.chain_id, source.deployment.market_feeds.address)
    if (file.chain_id, file.feeds) != here:
        raise SigningRefused(
            f"the update is for MarketFeeds {file.feeds} on chain {file.chain_id}, "
            f"the settings name {here[1]} on {here[0]}"
        )


def _require_present(source: Source, update: SurfaceUpdate) -> None:
    """Refuse an update of later: whoever holds it could post quotes of today as those of then."""
    ahead = update.time - source.client.head().timestamp
    if ahead > MOST_AHEAD_SECONDS:
        raise SigningRefused(
            f"the update is for {ahead} s after the newest block, at most {MOST_AHEAD_SECONDS} s "
            "are signed: propose it when its time has come"
        )


def _require_speed(state: FeedState, update: SurfaceUpdate) -> None:
    """Refuse what MarketFeeds would not take as its mark.

    Its reference may be older than the mark that it shows, so it may still refuse what passes here.
    """
    broken = list(excesses(state.quotes, update.quotes, state.limits, update.time))
    if broken:
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise SigningRefused(
            f"beyond the speed limit of MarketFeeds: {broken[0].text()}{others}: a third of the "
            "shock is the mark's, publish the farthest quotes that pass"
        )


def _sender(settings: Settings, source: Source) -> TransactionSender:
    if settings.sender is None:
        return DryRunSender()
    signer = KeystoreSigner.load(settings.sender.keystore, settings.sender.password_file)
    gwei = settings.sender.max_fee_gwei
    fees = FeePolicy(max_fee_cap=None if gwei is None else round(gwei * GWEI))
    return SigningSender(source.client, signer, fees=fees)


def _result(file: SurfaceFile, state: FeedState, out: Path | None) -> Result:
    return {
        "underlying": file.update.underlying,
        "time": file.update.time,
        "expiries": len(file.update.quotes),
        "digest": f"0x{file.digest().hex()}",
        "signers": [signed.signer for signed in file.signatures],
        "threshold": state.threshold,
        "file": None if out is None else str(out),
    }
