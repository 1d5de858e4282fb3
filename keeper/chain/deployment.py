"""Where one instance of the contracts lives: `config/deployments/<chain id>.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from eth_typing import ChecksumAddress
from eth_utils.address import (
    is_address,
    is_checksum_address,
    is_checksum_formatted_address,
    to_checksum_address,
)
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from keeper.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract: the name of its ABI and its address."""

    name: str
    address: ChecksumAddress


def _checksummed(text: str) -> str:
    if not is_address(text) or not text.startswith("0x"):
        raise ValueError(f"{text!r} is not an address of 0x and 40 hex digits")
    if is_checksum_formatted_address(text) and not is_checksum_address(text):
        raise ValueError(f"{text} has a wrong checksum: a digit was mistyped")
    return to_checksum_address(text)


Address = Annotated[str, AfterValidator(_checksummed)]


class _Contracts(BaseModel):
    """Names as in Solidity."""

    model_config = ConfigDict(extra="forbid")

    Clearinghouse: Address
    Listings: Address
    Collateral: Address
    Treasury: Address
    RiskEngine: Address
    InitialAddOns: Address
    MarginOracle: Address
    LiquidationAuction: Address
    InsuranceFund: Address
    LiquidationRouter: Address
    MarketFeeds: Address
    SpotFeeds: Address
    Guard: Address
    WindDown: Address
    MarginLens: Address
    UsdCoin: Address


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    chain_id: int = Field(gt=0)
    block: int = Field(ge=0)
    contracts: _Contracts


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses of one instance on one chain; `block` is the first that can hold its events."""

    chain_id: int
    block: int
    clearinghouse: Contract
    listings: Contract
    collateral: Contract
    treasury: Contract
    risk_engine: Contract
    initial_add_ons: Contract
    margin_oracle: Contract
    liquidation_auction: Contract
    insurance_fund: Contract
    liquidation_router: Contract
    market_feeds: Contract
    spot_feeds: Contract
    guard: Contract
    wind_down: Contract
    margin_lens: Contract
    usd_coin: Contract

    @classmethod
    def of(cls, chain_id: int, block: int, addresses: dict[str, str]) -> Deployment:
        """Build from addresses by contract name; any problem with them is a ConfigError."""
        try:
            body = {"chainId": chain_id, "block": block, "contracts": addresses}
            return _from_file(_File.model_validate(body))
        except ValidationError as error:
            raise ConfigError(f"deployment: {_problems(error)}") from error

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read a deployment file."""
        try:
            return _from_file(_File.model_validate_json(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigError(f"deployment file {path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"deployment file {path}: not UTF-8 text") from error
        except ValidationError as error:
            raise ConfigError(f"deployment file {path}: {_problems(error)}") from error

    def save(self, path: Path) -> None:
        """Write a deployment file that `load` reads back."""
        body = {
            "chainId": self.chain_id,
            "block": self.block,
            "contracts": {contract.name: contract.address for contract in self.contracts()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body, indent=2) + "\n")

    def contracts(self) -> tuple[Contract, ...]:
        """All of them, in a fixed order."""
        return (
            self.clearinghouse,
            self.listings,
            self.collateral,
            self.treasury,
            self.risk_engine,
            self.initial_add_ons,
            self.margin_oracle,
            self.liquidation_auction,
            self.insurance_fund,
            self.liquidation_router,
            self.market_feeds,
            self.spot_feeds,
            self.guard,
            self.wind_down,
            self.margin_lens,
            self.usd_coin,
        )


def _from_file(file: _File) -> Deployment:
    def contract(name: str) -> Contract:
        return Contract(name, to_checksum_address(getattr(file.contracts, name)))

    return Deployment(
        chain_id=file.chain_id,
        block=file.block,
        clearinghouse=contract("Clearinghouse"),
        listings=contract("Listings"),
        collateral=contract("Collateral"),
        treasury=contract("Treasury"),
        risk_engine=contract("RiskEngine"),
        initial_add_ons=contract("InitialAddOns"),
        margin_oracle=contract("MarginOracle"),
        liquidation_auction=contract("LiquidationAuction"),
        insurance_fund=contract("InsuranceFund"),
        liquidation_router=contract("LiquidationRouter"),
        market_feeds=contract("MarketFeeds"),
        spot_feeds=contract("SpotFeeds"),
        guard=contract("Guard"),
        wind_down=contract("WindDown"),
        margin_lens=contract("MarginLens"),
        usd_coin=contract("UsdCoin"),
    )


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
    )
