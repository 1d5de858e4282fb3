"""A fake chain on which two margin signers have attested epoch 3."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from keeper.attestation.typed_data import MarginAttestation, oracle_domain
from keeper.chain.abi import encode_call, event_topic
from keeper.chain.attestations import attestation_words
from keeper.jobs.attest import build_epoch
from tests.unit.chain.fake_node import ARTIFACTS, CHAIN_ID, DEPLOYMENT, FakeNode, block_hash
from tests.unit.jobs.keeper_of import SIGNERS, keeper_of

ORACLE = DEPLOYMENT.margin_oracle
ABI = ARTIFACTS.abi("MarginOracle")
DOMAIN = oracle_domain(CHAIN_ID, ORACLE.address)
POSTED_IN = 99
_TYPES = "(bytes32,uint64,uint64,uint64,uint32,bytes32,bytes32,bytes32,bytes32)"


@dataclass
class AttestedNode(FakeNode):
    """A node with history: no code before the deployment, no state before `pruned_below`."""

    deployed_in: int = DEPLOYMENT.block
    pruned_below: int = 0

    def eth_getCode(self, address: str, at: Any) -> str:
        number = next(
            number
            for number in range(self.head + 1)
            if at in (hex(number), "latest")
            or (isinstance(at, dict) and at["blockHash"] == block_hash(number))
        )
        if number < self.pruned_below:
            raise ValueError("missing trie node")
        return super().eth_getCode(address, at) if number >= self.deployed_in else "0x"


def attest(
    node: FakeNode,
    epoch: int = 3,
    *,
    via: str | None = None,
    submitted: dict[str, Any] | None = None,
    **lies: Any,
) -> bytes:
    """Put an attestation on the chain as the oracle would; `lies` replace fields of the honest one.

    Returns the hash of the transaction; `via` is another contract that it was sent to, `submitted`
    what its arguments say otherwise than the event.
    """
    node.views |= {
        ("MarginOracle", "signersOf"): [signer.address for signer in SIGNERS],
        ("MarginOracle", "thresholdOf"): 2,
    }
    honest = build_epoch(keeper_of(node), epoch).attestation
    names = {field.name for field in fields(MarginAttestation)}
    attestation = replace(honest, **{key: lies[key] for key in lies.keys() & names})
    digest = lies.get("digest", attestation.digest(DOMAIN))
    signers = sorted(lies.get("signers", SIGNERS), key=lambda signer: int(signer.address, 16))
    signatures = [signer.sign_digest(digest) for signer in signers]
    words = attestation_words(attestation)
    sent = attestation_words(replace(attestation, **(submitted or {})))
    data = encode_call(ABI, "submit", (sent, [(each.r, each.vs) for each in signatures]))
    node.views["MarginOracle", "latest"] = (
        attestation.epoch,
        attestation.ref_block,
        attestation.ref_time,
        attestation.leaf_count,
        attestation.margin_root,
        digest,
    )
    transaction = keccak(data)
    hexed = f"0x{transaction.hex()}"
    node.transactions[hexed] = {
        "hash": hexed,
        "to": via or ORACLE.address,
        "input": f"0x{data.hex()}",
        "blockNumber": hex(POSTED_IN),
    }
    node.logs.append(
        {
            "address": ORACLE.address,
            "topics": [
                f"0x{event_topic(ABI, 'Attested').hex()}",
                f"0x{abi_encode(['uint64'], [attestation.epoch]).hex()}",
                f"0x{attestation.margin_root.hex()}",
            ],
            "data": "0x" + abi_encode(["bytes32", _TYPES], [digest, words]).hex(),
            "blockNumber": hex(POSTED_IN),
            "blockHash": block_hash(POSTED_IN),
            "transactionHash": hexed,
            "transactionIndex": "0x0",
            "logIndex": hex(len(node.logs)),
            "removed": False,
        }
    )
    return transaction
