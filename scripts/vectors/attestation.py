"""Write the vectors of everything that is signed, and of the Merkle tree, for pytest and forge.

Flat columns: one list per member, hashes and addresses as hex, numbers as decimal text, because
`vm.parseJson` reads those as typed arrays and JSON numbers lose digits beyond 2**53.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeAlias

from eth_hash.auto import keccak

from keeper.attestation.eip712 import Domain, TypedStruct, typehash
from keeper.attestation.leaf import SENTINEL_MARGIN, SENTINEL_SCENARIO, MarginLeaf, leaf_hash
from keeper.attestation.merkle import MerkleTree
from keeper.attestation.typed_data import (
    ExpiryQuote,
    MarginAttestation,
    Order,
    SurfaceUpdate,
    clearinghouse_domain,
    config_digest,
    feeds_domain,
    oracle_domain,
)
from keeper.tx.signers.ephemeral import EphemeralSigner

CHAIN_ID = 31337
CONTRACT = "0x1111111111111111111111111111111111111111"
TREE_SIZES = (1, 2, 3, 5, 8, 9, 33)
FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"

Column: TypeAlias = "str | list[str] | list[Column]"
Columns: TypeAlias = dict[str, Column]


def main() -> None:
    """Write all four files."""
    for name, columns in all_vectors().items():
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(columns, indent=1) + "\n", encoding="utf-8")
        print(path)


def all_vectors() -> dict[str, Columns]:
    """Return the content of each file by its name; the same on every run."""
    return {
        "attestation": attestation_vectors(),
        "merkle": merkle_vectors(),
        "order": _messages(orders(), clearinghouse_domain(CHAIN_ID, CONTRACT)),
        "surface_update": surface_update_vectors(),
    }


def attestation_vectors() -> Columns:
    """Attestations with their signatures, and configurations with their digests."""
    signers = sorted(
        (EphemeralSigner(f"vector signer {index}", CHAIN_ID) for index in range(5)),
        key=lambda signer: int(signer.address, 16),
    )
    addresses = [signer.address for signer in signers]
    domain = oracle_domain(CHAIN_ID, CONTRACT)
    configs = [(1, addresses[:1], 1), (1, addresses[:3], 2), (7, addresses, 3)]
    digests = [config_digest(CHAIN_ID, CONTRACT, *config) for config in configs]
    messages = attestations(digests)
    columns = _messages(messages, domain)
    signed = [
        [signer.sign_digest(message.digest(domain)) for signer in signers] for message in messages
    ]
    columns |= {
        "signers": addresses,
        "r": [[_text(signature.r) for signature in row] for row in signed],
        "vs": [[_text(signature.vs) for signature in row] for row in signed],
        "configCount": [str(count) for count, _, _ in configs],
        "configSigners": [list(members) for _, members, _ in configs],
        "configThreshold": [str(threshold) for _, _, threshold in configs],
        "configDigests": [_text(digest) for digest in digests],
    }
    return columns


def attestations(config_digests: list[bytes]) -> list[MarginAttestation]:
    """Return ordinary messages, and one with every member at its maximum."""
    ordinary = [
        MarginAttestation(
            config_digest=digest,
            epoch=epoch,
            ref_block=32 * epoch,
            ref_time=1_790_000_000 + 384 * epoch,
            leaf_count=33,
            ref_block_hash=_word(f"block {epoch}"),
            model_hash=_word("model"),
            margin_root=_word(f"root {epoch}"),
            bundle_hash=_word(f"bundle {epoch}"),
        )
        for epoch, digest in enumerate(config_digests, start=1)
    ]
    full, word = 2**64 - 1, b"\xff" * 32
    return [
        *ordinary,
        MarginAttestation(word, full, full, full, 2**32 - 1, word, word, word, word),
    ]


def merkle_vectors() -> Columns:
    """Leaves, their hashes, and for each size the tree over the first so many of them."""
    leaves = margin_leaves(max(TREE_SIZES))
    hashes = [leaf_hash(leaf) for leaf in leaves]
    columns = {"typehash": _text(typehash(MarginLeaf.ENCODE_TYPE)), **_columns(leaves)}
    columns["leafHash"] = [_text(digest) for digest in hashes]
    columns["sizes"] = [str(size) for size in TREE_SIZES]
    for size in TREE_SIZES:
        tree = MerkleTree.build(hashes[:size])
        columns[f"root{size}"] = _text(tree.root)
        columns[f"proofs{size}"] = [
            [_text(node) for node in tree.proof(digest)] for digest in hashes[:size]
        ]
    return columns


def margin_leaves(count: int) -> list[MarginLeaf]:
    """Return leaves of one epoch; every seventh is a sentinel."""
    leaves: list[MarginLeaf] = []
    for index in range(count):
        account, positions = _word(f"account {index}"), _word(f"positions {index}")
        low = int.from_bytes(account[:5], "big")
        high, scenario = low + int.from_bytes(positions[:5], "big"), account[5] % 48
        if index % 7 == 6:
            low, high, scenario = SENTINEL_MARGIN, SENTINEL_MARGIN, SENTINEL_SCENARIO
        leaves.append(MarginLeaf(7, account, positions, high, low, scenario))
    return leaves


def orders() -> list[Order]:
    """Return a buy, a sell with an executor, and the extremes."""
    account, other = _word("maker"), _word("taker")
    nobody, top = "0x" + "00" * 20, 2**64 - 1
    return [
        Order(account, 1 << 112 | 2 << 64, 5_000, 65_000 * 10**8, 1, 1_790_000_000, nobody),
        Order(other, (1 << 128) - 1, -1, 1, top, top, CONTRACT),
        Order(b"\xff" * 32, 0, -(2**63), top, 0, 0, "0x" + "ff" * 20),
        Order(bytes(32), 1, 2**63 - 1, 0, 0, 0, nobody),
    ]


def surface_update_vectors() -> Columns:
    """Updates of 0, 1 and 4 quotes; a row of each quote column belongs to one update."""
    updates = surface_updates()
    columns = _messages(updates, feeds_domain(CHAIN_ID, CONTRACT))
    columns["quoteTypehash"] = _text(typehash(ExpiryQuote.ENCODE_TYPE))
    for field in fields(ExpiryQuote):
        columns[field.name] = [
            [_text(getattr(quote, field.name)) for quote in update.quotes] for update in updates
        ]
    columns["quoteHash"] = [
        [_text(quote.struct_hash()) for quote in update.quotes] for update in updates
    ]
    return columns


def surface_updates() -> list[SurfaceUpdate]:
    """Return an empty update, a perpetual alone, and a full surface with extremes."""
    wad, top, bottom = 10**18, 2**63 - 1, -(2**63)
    perpetual = ExpiryQuote(0, wad, 10**15, 0, 0, 0, 0, 0)
    smile = (45 * 10**15, 10**17, -3 * 10**17, -(10**16), 2 * 10**17)
    near = ExpiryQuote(1_790_006_400, wad + 10**15, 10**16, *smile)
    highest = ExpiryQuote(2**40 - 2, 2**64 - 1, 2**64 - 1, top, top, top, top, top)
    lowest = ExpiryQuote(2**40 - 1, 0, 0, bottom, bottom, bottom, bottom, bottom)
    return [
        SurfaceUpdate(1, 1_790_000_000, ()),
        SurfaceUpdate(2, 1_790_000_001, (perpetual,)),
        SurfaceUpdate(2**16 - 1, 2**64 - 1, (perpetual, near, highest, lowest)),
    ]


def _messages(messages: Sequence[TypedStruct], domain: Domain) -> Columns:
    return {
        "chainId": str(domain.chain_id),
        "verifyingContract": domain.verifying_contract,
        "domainSeparator": _text(domain.separator()),
        "typehash": _text(typehash(messages[0].ENCODE_TYPE)),
        **_columns(messages),
        "structHash": [_text(message.struct_hash()) for message in messages],
        "digest": [_text(message.digest(domain)) for message in messages],
    }


def _columns(structs: Sequence[TypedStruct]) -> Columns:
    members = fields(structs[0])  # pyright: ignore[reportArgumentType]
    names = [member.name for member in members if member.name != "quotes"]
    return {_camel(name): [_text(getattr(item, name)) for item in structs] for name in names}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _word(label: str) -> bytes:
    return keccak(label.encode())


def _text(value: bytes | int | str) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()
