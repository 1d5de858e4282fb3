"""Stages of the demo on the embedded chain, for tests to share."""

from keeper.devnet import market
from keeper.devnet.actors import (
    ACTORS,
    DEALERS,
    HEDGED_STRADDLE,
    RELATIVE_VALUE,
    listed,
)
from keeper.devnet.demo import open_accounts, post_market
from keeper.devnet.embedded import EmbeddedChain
from keeper.devnet.stage import GENESIS_TIME, build_stage
from keeper.devnet.view import QuietView

FEW = (*DEALERS, RELATIVE_VALUE, HEDGED_STRADDLE)
EVERYBODY = (*DEALERS, *ACTORS)


def opened(directory, actors):
    """A stage at hour 0 with these actors in their positions."""
    stage = build_stage(EmbeddedChain(GENESIS_TIME), directory, listed())
    post_market(stage, 0)
    open_accounts(stage, actors, QuietView())
    return stage


def post_spots(stage, hour):
    """Spots of the path at that hour; no surface."""
    stage.at(market.START + hour * market.HOUR)
    for underlying in market.UNDERLYINGS:
        stage.exchange.post_spot(underlying, market.spot_e8(underlying, hour))


def post_surface(stage, underlying, hour, *more):
    """The path's surface with more quotes, in the next slot of the feeds."""
    time = (stage.chain.now() // 60 + 1) * 60
    stage.at(time)
    quotes = sorted((*market.surface(underlying, hour, time), *more), key=lambda q: q.expiry)
    stage.exchange.post_surface(underlying, time, tuple(quotes))
