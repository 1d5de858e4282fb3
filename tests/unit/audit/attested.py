"""A fake chain on which two margin signers have attested epoch 3."""

from __future__ import annotations

from dataclasses import fields, replace
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


def attest(node: FakeNode, epoch: int = 3, *, via: str | None = None, **lies: Any) -> bytes:
    """Put an attestation on the chain as the oracle would; `lies` replace fields of the honest one.

    Returns the hash of the transaction; `via` is another contract that it was sent to.
    """
    node.views |= {
        ("MarginOracle", "signers"): [signer.address for signer in SIGNERS],
        ("MarginOracle", "threshold"): 2,
    }
    honest = build_epoch(keeper_of(node), epoch).attestation
    names = {field.name for field in fields(MarginAttestation)}
    attestation = replace(honest, **{key: lies[key] for key in lies.keys() & names})
    digest = lies.get("digest", attestation.digest(DOMAIN))
    signers = sorted(lies.get("signers", SIGNERS), key=lambda signer: int(signer.address, 16))
    signatures = [signer.sign_digest(digest) for signer in signers]
    words = attestation_words(attestation)
    data = encode_call(ABI, "submit", (words, [(each.r, each.vs) for each in signatures]))
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
