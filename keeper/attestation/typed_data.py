"""The three messages that are signed, as in docs/encodings.md, and the configuration digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import EncodingError
from eth_hash.auto import keccak

from keeper.attestation.eip712 import Domain, TypedStruct, canonical_address
from keeper.errors import InputError


def oracle_domain(chain_id: int, oracle: str) -> Domain:
    """Return the domain of margin attestations."""
    return Domain("MarginOracle", "1", chain_id, oracle)


def clearinghouse_domain(chain_id: int, clearinghouse: str) -> Domain:
    """Return the domain of orders."""
    return Domain("Clearinghouse", "1", chain_id, clearinghouse)


def feeds_domain(chain_id: int, feeds: str) -> Domain:
    """Return the domain of surface updates."""
    return Domain("MarketFeeds", "1", chain_id, feeds)


@dataclass(frozen=True, slots=True)
class MarginAttestation(TypedStruct):
    """What k of n margin signers state about one epoch.

    Attributes:
        config_digest: which chain, oracle, signer set and threshold; see `config_digest`.
        ref_block: `epoch * epoch_blocks`; all inputs are the state at the end of this block.
        ref_time: timestamp of that block, Unix seconds.
        leaf_count: accounts in the tree.
        bundle_hash: keccak of the canonical snapshot body.
    """

    ENCODE_TYPE: ClassVar[str] = (
        "MarginAttestation(bytes32 configDigest,uint64 epoch,uint64 refBlock,uint64 refTime,"
        "uint32 leafCount,bytes32 refBlockHash,bytes32 modelHash,bytes32 marginRoot,"
        "bytes32 bundleHash)"
    )

    config_digest: bytes
    epoch: int
    ref_block: int
    ref_time: int
    leaf_count: int
    ref_block_hash: bytes
    model_hash: bytes
    margin_root: bytes
    bundle_hash: bytes


@dataclass(frozen=True, slots=True)
class Order(TypedStruct):
    """What an owner signs to trade one instrument.

    Attributes:
        lots: signed; positive buys.
        limit_price: 1e-8 USD per unit of the underlying.
        deadline: Unix seconds.
        executor: who alone may fill it; the zero address for anybody.
    """

    ENCODE_TYPE: ClassVar[str] = (
        "Order(bytes32 account,uint128 instrument,int64 lots,uint64 limitPrice,uint64 salt,"
        "uint64 deadline,address executor)"
    )

    account: bytes
    instrument: int
    lots: int
    limit_price: int
    salt: int
    deadline: int
    executor: str


@dataclass(frozen=True, slots=True)
class ExpiryQuote(TypedStruct):
    """Forward and SVI smile of one expiry, in wad but for the expiry; 0 is the perpetual."""

    ENCODE_TYPE: ClassVar[str] = (
        "ExpiryQuote(uint40 expiry,uint64 ratio,uint64 confidence,"
        "int64 a,int64 b,int64 rho,int64 m,int64 sigma)"
    )

    expiry: int
    ratio: int
    confidence: int
    a: int
    b: int
    rho: int
    m: int
    sigma: int


@dataclass(frozen=True, slots=True)
class SurfaceUpdate(TypedStruct):
    """All forwards and smiles of one underlying at one time (Unix seconds), quotes by expiry."""

    ENCODE_TYPE: ClassVar[str] = (
        "SurfaceUpdate(uint16 underlying,uint64 time,ExpiryQuote[] quotes)"
        + ExpiryQuote.ENCODE_TYPE
    )

    underlying: int
    time: int
    quotes: tuple[ExpiryQuote, ...]

    def __post_init__(self) -> None:
        """Check members, and that quotes ascend by expiry, each once.

        Raises:
            InputError: a member or the order is wrong.
        """
        TypedStruct.__post_init__(self)
        expiries = [quote.expiry for quote in self.quotes]
        if any(left >= right for left, right in pairwise(expiries)):
            raise InputError(f"quotes must ascend strictly by expiry, got {expiries}")


def config_digest(
    chain_id: int, oracle: str, config_count: int, signers: Sequence[str], threshold: int
) -> bytes:
    """Return the digest that ties an attestation to one chain, oracle and signer set.

    Raises:
        InputError: signers do not ascend strictly, the threshold is no majority of them, or a
            number has the wrong type or range.
    """
    ordered = [canonical_address("signer", signer) for signer in signers]
    if any(left >= right for left, right in pairwise([bytes(20), *ordered])):
        raise InputError("signers must ascend strictly by address, without the zero address")
    if not threshold <= len(ordered) < 2 * threshold:
        raise InputError(f"threshold {threshold} of {len(ordered)} signers is not a majority")
    types = ["uint256", "address", "uint64", "address[]", "uint8"]
    values = [chain_id, canonical_address("oracle", oracle), config_count, ordered, threshold]
    try:
        return keccak(abi_encode(types, values))
    except EncodingError as error:
        raise InputError(f"configuration cannot be encoded: {error}") from error
