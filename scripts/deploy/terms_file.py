"""The TOML file that says what is deployed, for whom, and who governs it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keeper.chain.deployment import Address
from keeper.chain.engine import limit_words
from keeper.devnet.instruments import perpetual, spot
from keeper.devnet.terms import NO_ADDRESS, NO_COIN_FEED, Listed, Quorum, Terms
from keeper.errors import ConfigError
from keeper.margin.scenarios import Model

DAY_SECONDS = 86_400


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Timelock(_Table):
    """Bounds as in Timelock.sol; the contract refuses others as well."""

    delay_seconds: int = Field(ge=5 * DAY_SECONDS, le=30 * DAY_SECONDS)
    proposers: list[Address] = Field(min_length=1)


class _Quorum(_Table):
    signers: list[Address] = Field(min_length=1)
    threshold: int = Field(ge=1)

    def ascending(self) -> Quorum:
        return Quorum(sorted(self.signers, key=str.lower), self.threshold)


class _Underlying(_Table):
    aggregator: Address
    max_age_seconds: int = Field(ge=60, le=2 * DAY_SECONDS)
    open_interest_cap_lots: int = Field(ge=1, lt=2**63)
    token: Address | None = None
    expiries: list[int] = []


class _Sequencer(_Table):
    feed: Address
    grace_seconds: int = Field(ge=0)


class _Coin(_Table):
    """Where the price of the settlement coin comes from."""

    feed: Address
    max_age_seconds: int = Field(ge=60, le=2 * DAY_SECONDS)


class _File(_Table):
    guardian: Address
    usd_coin: Address
    block_hash_source: Literal["BlockhashSource", "HistorySource", "ArbSysSource"]
    epoch_blocks: int = Field(ge=1)
    max_block_age: int = Field(ge=2)
    discount_per_day_usd6: int = Field(ge=0)
    max_discount_per_day_usd6: int = Field(ge=0)
    gas_underlying: int = Field(ge=1)
    timelock: _Timelock
    margin: _Quorum
    feeds: _Quorum
    underlyings: dict[str, _Underlying]
    sequencer: _Sequencer | None = None
    coin: _Coin | None = None


@dataclass(frozen=True, slots=True)
class Governance:
    """The timelock that will own every contract: its delay, and who may propose and cancel."""

    delay_seconds: int
    proposers: tuple[str, ...]


def read_terms(path: Path, model: Model) -> tuple[Terms, Governance]:
    """Read the file; limits of marks are the model's own shock, listings SPOT and perpetual.

    Raises ConfigError for a missing or malformed file, and for underlyings that are not exactly
    the model's, by symbol.
    """
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"terms {path}: {error.strerror or error}") from error
    except (ValueError, ValidationError) as error:
        raise ConfigError(f"terms {path}: {error}") from error
    symbols = {risk.symbol: risk for risk in model.underlyings}
    if set(file.underlyings) != set(symbols):
        raise ConfigError(
            f"terms {path}: underlyings are {sorted(file.underlyings)}, the model's are "
            f"{sorted(symbols)}: name exactly those"
        )
    listed = {
        symbols[symbol].underlying: Listed(
            aggregator=entry.aggregator,
            max_age_seconds=entry.max_age_seconds,
            token=entry.token,
            limits_wad=limit_words(symbols[symbol]),
            open_interest_cap_lots=entry.open_interest_cap_lots,
            expiries=tuple(entry.expiries),
        )
        for symbol, entry in file.underlyings.items()
    }
    terms = Terms(
        guardian=file.guardian,
        usd_coin=file.usd_coin,
        block_hash_source=file.block_hash_source,
        margin=file.margin.ascending(),
        feeds=file.feeds.ascending(),
        epoch_blocks=file.epoch_blocks,
        max_block_age=file.max_block_age,
        discount_per_day_usd6=file.discount_per_day_usd6,
        max_discount_per_day_usd6=file.max_discount_per_day_usd6,
        gas_underlying=file.gas_underlying,
        underlyings=listed,
        instruments=_instruments(listed),
        sequencer_feed=file.sequencer.feed if file.sequencer else NO_ADDRESS,
        sequencer_grace_seconds=file.sequencer.grace_seconds if file.sequencer else 0,
        # The contract asks the feed itself for its scale.
        coin_feed=(file.coin.feed, file.coin.max_age_seconds, 0) if file.coin else NO_COIN_FEED,
    )
    return terms, Governance(file.timelock.delay_seconds, tuple(file.timelock.proposers))


def _instruments(listed: dict[int, Listed]) -> tuple[int, ...]:
    """Return SPOT where there is a token, and the perpetual, packed."""
    return tuple(
        instrument.pack()
        for underlying, entry in sorted(listed.items())
        for instrument in (
            *([spot(underlying)] if entry.token else []),
            perpetual(underlying),
        )
    )
