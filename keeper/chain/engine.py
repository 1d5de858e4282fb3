"""Whether a RiskEngine computes with a model: its hash, and every parameter that it stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from typing import Final
from weakref import WeakKeyDictionary

from eth_typing import ChecksumAddress
from web3 import Web3

from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Contract, Deployment
from keeper.errors import ConfigError
from keeper.margin.add_on_rules import AddOnRules
from keeper.margin.scenarios import Model, Scenario, UnderlyingRisk, model_hash
from keeper.margin.volatility import ScanRule
from keeper.units import WAD

# An engine never changes its parameters, so each is compared once over one connection to a node.
_AGREED: WeakKeyDictionary[Web3, set[tuple[ChecksumAddress, bytes]]] = WeakKeyDictionary()


def require_model(client: ChainClient, deployment: Deployment, model: Model, at: BlockRef) -> None:
    """Refuse to compute with another model than the contracts do.

    The hash is read every time; what it stands for is any deployer's claim, so the parameters
    themselves are compared as well, once.
    """
    engine, ours = deployment.risk_engine, model_hash(model)
    on_chain: bytes = client.call(engine, "modelHash", at=at)
    if on_chain != ours:
        raise ConfigError(
            f"model_file: its hash is 0x{ours.hex()}, but the RiskEngine at "
            f"{engine.address} computes with 0x{on_chain.hex()}: use that model"
        )
    agreed = _AGREED.setdefault(client.web3, set())
    if (engine.address, ours) not in agreed:
        _require_parameters(client, deployment, model, at)
        agreed.add((engine.address, ours))


LARGEST_SHIFT_WAD: Final = 12 * WAD // 10
"""No scenario moves ln vol further, at whatever term."""

RISK_WORDS: Final = (
    "lot",
    "scan_range",
    "vol_up",
    "vol_down",
    "linear_rate",
    "option_rate",
    "option_floor",
)


def risk_words(risk: UnderlyingRisk) -> tuple[int, ...]:
    """Return the contract's struct of one underlying's parameters, in its order."""
    return tuple(getattr(risk, name) for name in RISK_WORDS)


def scan_words(rule: ScanRule) -> tuple[int, ...]:
    """Return SpotFeeds' struct of how scan ranges follow daily prices, in its order."""
    return astuple(rule)


def sigma_words(risk: UnderlyingRisk) -> tuple[int, int]:
    """Return SpotFeeds' struct of one underlying's floor and stress volatility."""
    return risk.sigma_floor, risk.sigma_stress


def limit_words(risk: UnderlyingRisk) -> tuple[int, int, int, int]:
    """Return MarketFeeds' struct of how far marks may move in a day: the table's own shock."""
    return risk.vol_up, risk.vol_down, LARGEST_SHIFT_WAD, risk.scan_range


def add_on_words(rules: AddOnRules) -> tuple[int, ...]:
    """Return InitialAddOns' struct of rates, in its order."""
    return astuple(rules)


def scenario_words(scenario: Scenario) -> tuple[int, ...]:
    """Return the contract's struct of one scenario, in its order."""
    _, *words = astuple(scenario)
    return tuple(words)


def _require_parameters(
    client: ChainClient, deployment: Deployment, model: Model, at: BlockRef
) -> None:
    """Raise at the first getter whose answer is not the model's."""
    for contract, getter, args, expected in _parameters(deployment, model):
        found = client.call(contract, getter, args, at=at)
        for field, theirs, ours in _pairs(found, expected):
            if theirs != ours:
                raise ConfigError(
                    f"the RiskEngine at {deployment.risk_engine.address} has the hash of the "
                    f"model, but its {getter}({', '.join(map(str, args))}){field} is {theirs}, "
                    f"the model's is {ours}: check the {contract.name} at {contract.address}"
                )


def _parameters(
    deployment: Deployment, model: Model
) -> Iterator[tuple[Contract, str, tuple[int, ...], object]]:
    """Contract, getter, its arguments and its answer; a struct's as a tuple in its order."""
    engine, spots = deployment.risk_engine, deployment.spot_feeds
    yield engine, "factors", (), astuple(model.factors)
    for risk in model.underlyings:
        yield engine, "underlyingRisk", (risk.underlying,), risk_words(risk)
    yield engine, "scenarioCount", (), len(model.scenarios)
    for index, scenario in enumerate(model.scenarios):
        yield engine, "scenario", (index,), scenario_words(scenario)
    yield spots, "scanRule", (), scan_words(model.scan)
    for risk in model.underlyings:
        yield spots, "scanSigmas", (risk.underlying,), sigma_words(risk)
    yield deployment.initial_add_ons, "rules", (), add_on_words(model.add_ons)


def _pairs(found: object, expected: object) -> Iterator[tuple[str, object, object]]:
    """Field, what the chain has, what the model has; one nameless pair unless it is a struct."""
    if isinstance(found, dict) and isinstance(expected, tuple):
        for field, theirs, ours in zip(found, found.values(), expected, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield f".{field}", theirs, ours
    else:
        yield "", found, expected
