"""Whether a RiskEngine computes with a model: its hash, and every parameter that it stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from typing import Final
from weakref import WeakKeyDictionary

from eth_typing import ChecksumAddress
from web3 import Web3

from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.errors import ConfigError
from keeper.margin.scenarios import Model, Scenario, UnderlyingRisk, model_hash

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


def scenario_words(scenario: Scenario) -> tuple[int, ...]:
    """Return the contract's struct of one scenario, in its order."""
    _, *words = astuple(scenario)
    return tuple(words)


def _require_parameters(
    client: ChainClient, deployment: Deployment, model: Model, at: BlockRef
) -> None:
    """Raise at the first getter whose answer is not the model's."""
    engine = deployment.risk_engine
    for getter, args, expected in _parameters(model):
        found = client.call(engine, getter, args, at=at)
        for field, theirs, ours in _pairs(found, expected):
            if theirs != ours:
                raise ConfigError(
                    f"the RiskEngine at {engine.address} has the hash of the model, but its "
                    f"{getter}({', '.join(map(str, args))}){field} is {theirs}, the model's is "
                    f"{ours}: check the deployment"
                )


def _parameters(model: Model) -> Iterator[tuple[str, tuple[int, ...], object]]:
    """Getter, its arguments and its answer; a struct's as a tuple in the contract's order."""
    yield "factors", (), astuple(model.factors)
    for risk in model.underlyings:
        yield "underlyingRisk", (risk.underlying,), risk_words(risk)
    yield "scenarioCount", (), len(model.scenarios)
    for index, scenario in enumerate(model.scenarios):
        yield "scenario", (index,), scenario_words(scenario)


def _pairs(found: object, expected: object) -> Iterator[tuple[str, object, object]]:
    """Field, what the chain has, what the model has; one nameless pair unless it is a struct."""
    if isinstance(found, dict) and isinstance(expected, tuple):
        for field, theirs, ours in zip(found, found.values(), expected, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield f".{field}", theirs, ours
    else:
        yield "", found, expected
