import pytest
from eth_account import Account
from eth_hash.auto import keccak

from keeper.errors import SignerError
from keeper.tx.signers import EphemeralSigner

TRANSACTION = {"nonce": 0, "to": "0x" + "11" * 20, "value": 0, "gas": 21_000, "gasPrice": 1}


@pytest.mark.parametrize("chain_id", [1337, 31337, 131277322940537])
def test_ephemeral__development_chain__signs(chain_id):
    signer = EphemeralSigner("seed", chain_id)
    assert signer.address == Account.from_key(keccak(b"seed")).address
    raw = signer.sign_transaction({**TRANSACTION, "chainId": chain_id})
    assert Account.recover_transaction(raw) == signer.address


@pytest.mark.parametrize("chain_id", [1, 10, 42161, 8453, 0, -1, True])
def test_ephemeral__real_chain__is_refused(chain_id):
    with pytest.raises(SignerError, match="development chains"):
        EphemeralSigner("seed", chain_id)


@pytest.mark.parametrize("chain_id", [1, 1337, None])
def test_ephemeral__transaction_for_another_chain__is_refused(chain_id):
    signer = EphemeralSigner("seed", 31337)
    assert signer.sign_transaction({**TRANSACTION, "chainId": 31337})
    with pytest.raises(SignerError, match="alone"):
        signer.sign_transaction({**TRANSACTION, "chainId": chain_id})


def test_ephemeral__shown__has_neither_key_nor_seed():
    signer = EphemeralSigner("my seed", 31337)
    assert repr(signer) == f"EphemeralSigner({signer.address})"
