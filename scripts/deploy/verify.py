"""Whether what stands on a chain is what the terms say: code, connections, parameters, powers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.engine import require_model
from keeper.devnet.terms import NO_ADDRESS, Terms
from keeper.errors import ConfigError, NotDeployed
from keeper.margin.scenarios import Model
from scripts.deploy.terms_file import Governance

_ROLES: Final = {
    name: keccak(text=name) for name in ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE")
} | {"DEFAULT_ADMIN_ROLE": bytes(32)}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference; `name` says of what kind, the rest where and which."""

    name: str
    contract: str
    what: str
    expected: object
    found: object


def owned(deployment: Deployment) -> tuple[Contract, ...]:
    """Every contract that has an owner."""
    return (
        deployment.guard,
        deployment.spot_feeds,
        deployment.market_feeds,
        deployment.wind_down,
        deployment.margin_oracle,
        deployment.clearinghouse,
    )


def timelock_of(client: ChainClient, deployment: Deployment, at: BlockRef) -> Contract:
    """Return what owns the clearinghouse, taken for a Timelock."""
    owner: str = client.call(deployment.clearinghouse, "owner", at=at)
    return Contract("Timelock", to_checksum_address(owner))


def mismatches(
    client: ChainClient,
    deployment: Deployment,
    model: Model,
    terms: Terms,
    governance: Governance,
) -> list[Mismatch]:
    """Compare everything at the newest block; empty where all is as the terms say."""
    at = client.head()
    found: list[Mismatch] = []
    try:
        client.check(deployment, at)
    except NotDeployed as error:
        # Nothing that such a contract answers means anything.
        return [Mismatch("WrongCodeOrConnection", "deployment", str(error), None, None)]
    try:
        require_model(client, deployment, model, at)
    except ConfigError as error:
        found.append(Mismatch("WrongParameter", "model", str(error), None, None))
    timelock = timelock_of(client, deployment, at)
    if not client.artifacts.is_code_of("Timelock", client.code(timelock, at)):
        found.append(
            Mismatch("WrongOwner", "Clearinghouse", "owner", "a Timelock", timelock.address)
        )
        return found
    wanted = [
        *_owners(deployment, timelock),
        *_quorums(client, deployment, terms, at),
        *_parameters(deployment, terms),
        ("WrongDelay", timelock, "getMinDelay", (), governance.delay_seconds),
        ("WrongGuardian", deployment.guard, "guardian", (), terms.guardian),
    ]
    for name, contract, getter, args, expected in wanted:
        answer = _plain(client.call(contract, getter, args, at=at))
        if answer != _plain(expected):
            what = f"{getter}({', '.join(map(str, args))})"
            found.append(Mismatch(name, contract.name, what, _plain(expected), answer))
    found += _source(client, deployment, terms, at)
    found += _budget(client, deployment, terms, at)
    found += _roles(client, deployment, timelock, governance)
    return found


_Wanted = tuple[str, Contract, str, tuple[object, ...], object]


def _owners(deployment: Deployment, timelock: Contract) -> Iterator[_Wanted]:
    for contract in owned(deployment):
        yield "WrongOwner", contract, "owner", (), timelock.address
        yield "OwnershipOffered", contract, "pendingOwner", (), NO_ADDRESS


def _quorums(
    client: ChainClient, deployment: Deployment, terms: Terms, at: BlockRef
) -> Iterator[_Wanted]:
    oracle, feeds = deployment.margin_oracle, deployment.market_feeds
    epoch: int = client.call(oracle, "currentEpoch", at=at)
    digest: bytes = client.call(oracle, "configOf", (epoch,), at=at)
    yield "WrongSigners", oracle, "signersOf", (digest,), tuple(terms.margin.signers)
    yield "WrongThreshold", oracle, "thresholdOf", (digest,), terms.margin.threshold
    yield "WrongSigners", feeds, "signers", (), tuple(terms.feeds.signers)
    yield "WrongThreshold", feeds, "threshold", (), terms.feeds.threshold


def _parameters(deployment: Deployment, terms: Terms) -> Iterator[_Wanted]:
    oracle, auction = deployment.margin_oracle, deployment.liquidation_auction
    spots, kind = deployment.spot_feeds, "WrongParameter"
    yield kind, oracle, "epochBlocks", (), terms.epoch_blocks
    yield kind, oracle, "maxBlockAge", (), terms.max_block_age
    yield kind, oracle, "maxDiscountPerDay", (), terms.max_discount_per_day_usd6
    yield kind, auction, "epochBlocks", (), terms.epoch_blocks
    yield kind, auction, "gasUnderlying", (), terms.gas_underlying
    yield kind, spots, "sequencerFeed", (), terms.sequencer_feed
    yield kind, spots, "sequencerGrace", (), terms.sequencer_grace_seconds
    yield kind, deployment.initial_add_ons, "coinFeed", (), terms.coin_feed[:2]
    for underlying, listed in terms.underlyings.items():
        yield kind, spots, "aggregatorOf", (underlying,), listed.aggregator
        yield kind, spots, "maxAgeOf", (underlying,), listed.max_age_seconds
        yield kind, deployment.market_feeds, "limits", (underlying,), listed.limits_wad
        cap = listed.open_interest_cap_lots
        yield kind, deployment.listings, "openInterestCap", (underlying,), cap
        token = listed.token or NO_ADDRESS
        yield kind, deployment.listings, "spotToken", (underlying,), token


def _source(
    client: ChainClient, deployment: Deployment, terms: Terms, at: BlockRef
) -> Iterator[Mismatch]:
    """Yield where block hashes come from anything but the artefact that the terms name."""
    address: str = client.call(deployment.margin_oracle, "source", at=at)
    source = Contract(terms.block_hash_source, to_checksum_address(address))
    if not client.artifacts.is_code_of(source.name, client.code(source, at)):
        yield Mismatch("WrongCode", "MarginOracle", "source()", source.name, source.address)


def _budget(
    client: ChainClient, deployment: Deployment, terms: Terms, at: BlockRef
) -> Iterator[Mismatch]:
    """Yield where leaves may give another discount a day; what is used of it is nobody's error."""
    oracle, expected = deployment.margin_oracle, terms.discount_per_day_usd6
    per_day, _ = client.call(oracle, "discountBudget", at=at)
    if per_day != expected:
        yield Mismatch("WrongParameter", oracle.name, "discountBudget()", expected, per_day)


def _roles(
    client: ChainClient, deployment: Deployment, timelock: Contract, governance: Governance
) -> Iterator[Mismatch]:
    """Yield whoever holds a role of the timelock that he should not, or lacks one."""
    expected = {("DEFAULT_ADMIN_ROLE", timelock.address), ("EXECUTOR_ROLE", NO_ADDRESS)}
    expected |= {("CANCELLER_ROLE", deployment.guard.address)}
    expected |= {
        (role, address)
        for address in map(to_checksum_address, governance.proposers)
        for role in ("PROPOSER_ROLE", "CANCELLER_ROLE")
    }
    found = set(_granted(client, deployment, timelock))
    for role, account in sorted(expected ^ found):
        has = (role, account) in found
        yield Mismatch("WrongRole", "Timelock", f"{role} of {account}", not has, has)


def _granted(
    client: ChainClient, deployment: Deployment, timelock: Contract
) -> Iterator[tuple[str, str]]:
    """Yield the roles that are held now, of all that were ever granted."""
    names = {value: name for name, value in _ROLES.items()}
    at = client.head()
    contract = client.web3.eth.contract(
        address=timelock.address, abi=client.artifacts.abi("Timelock")
    )
    logs: Any = client.guard(
        lambda: contract.events.RoleGranted().get_logs(from_block=deployment.block),
        "eth_getLogs",
    )
    for role, account in {(bytes(log["args"]["role"]), log["args"]["account"]) for log in logs}:
        if client.call(timelock, "hasRole", (role, account), at=at):
            yield names.get(role, f"0x{role.hex()}"), to_checksum_address(account)


def _plain(value: object) -> object:
    """Return a value so that an address, a struct and a list compare however they are spelled."""
    if isinstance(value, dict):
        return _plain(tuple(value.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value.lower() if isinstance(value, str) else value
