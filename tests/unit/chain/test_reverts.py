"""The real exceptions of eth-tester and web3, and one name for all of them."""

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import (
    ContractCustomError,
    ContractLogicError,
    ContractPanicError,
    Web3RPCError,
)

from keeper.chain.reverts import RevertDecoder, revert_data
from tests.unit.chain.fake_node import ARTIFACTS

DECODER = RevertDecoder(ARTIFACTS.abis.values())
ACCOUNT = bytes(range(32))
HEALTHY = keccak(b"Healthy(bytes32,int256,uint256)")[:4] + encode(
    ["bytes32", "int256", "uint256"], [ACCOUNT, -5, 7]
)
ERROR_STRING = keccak(b"Error(string)")[:4] + encode(["string"], ['it\'s "so"'])
PANIC = keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11])


@pytest.fixture(scope="module")
def chain():
    return Web3(EthereumTesterProvider())


def copying(data: bytes, last: str) -> bytes:
    """Code that copies what follows it to memory and ends with RETURN (f3) or REVERT (fd)."""
    size = f"61{len(data):04x}"
    return bytes.fromhex(f"{size}600e600039{size}6000{last}") + data


def reverting_contract(chain, data: bytes) -> str:
    creation = copying(copying(data, "fd"), "f3")
    sent = chain.eth.send_transaction({"from": chain.eth.accounts[0], "data": creation})
    return chain.eth.get_transaction_receipt(sent)["contractAddress"]


@pytest.mark.parametrize(
    ("data", "name", "args"),
    [
        (HEALTHY, "Healthy", (ACCOUNT, -5, 7)),
        (ERROR_STRING, "Error", ('it\'s "so"',)),
        (PANIC, "Panic", (0x11,)),
        (b"", "Revert", ()),
        (b"\xde\xad\xbe\xef" + b"'\"\\\n", "0xdeadbeef", (b"'\"\\\n",)),
    ],
    ids=["custom", "string", "panic", "empty", "unknown"],
)
def test_of__eth_tester__reads_the_bytes_out_of_the_message(chain, data, name, args):
    address = reverting_contract(chain, data)
    with pytest.raises(Exception, match=r"execution reverted|Panic error") as caught:
        chain.eth.call({"to": address})
    decoded = DECODER.of(caught.value)
    assert decoded is not None
    assert (decoded.name, decoded.args, decoded.raw) == (name, args, data)


@pytest.mark.parametrize(
    "error",
    [
        ContractCustomError(f"0x{HEALTHY.hex()}", data=f"0x{HEALTHY.hex()}"),
        ContractLogicError("execution reverted", data=f"0x{HEALTHY.hex()}"),
        Web3RPCError(
            "execution reverted",
            rpc_response={
                "jsonrpc": "2.0",
                "id": 1,
                "error": {"code": 3, "message": "execution reverted", "data": f"0x{HEALTHY.hex()}"},
            },
        ),
        Web3RPCError(
            "VM Exception",
            rpc_response={
                "jsonrpc": "2.0",
                "id": 1,
                "error": {
                    "code": -32603,
                    "message": "VM Exception: revert",
                    "data": {"data": f"0x{HEALTHY.hex()}"},
                },
            },
        ),
    ],
)
def test_of__http_node__reads_the_hex(error):
    decoded = DECODER.of(error)
    assert decoded is not None
    assert (decoded.name, decoded.args) == ("Healthy", (ACCOUNT, -5, 7))


def test_of__panic_of_web3__keeps_its_code():
    decoded = DECODER.of(ContractPanicError("Panic error 0x11", data=f"0x{PANIC.hex()}"))
    assert decoded is not None
    assert (decoded.name, decoded.args) == ("Panic", (0x11,))


def test_of__other_errors__is_none():
    unrelated = Web3RPCError(
        "no", rpc_response={"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "busy"}}
    )
    assert DECODER.of(unrelated) is None
    assert DECODER.of(ValueError("execution reverted: b'no'")) is None
    assert revert_data(ContractLogicError("execution reverted")) == b""


def test_decode__truncated_arguments__is_shown_raw():
    assert DECODER.decode(HEALTHY[:20]).name == f"0x{HEALTHY[:4].hex()}"


def test_error__shows_bytes_as_hex():
    text = str(DECODER.decode(HEALTHY).error())
    assert text == f"reverted: Healthy(0x{ACCOUNT.hex()}, -5, 7)"


def test_decoder__knows_every_error_of_every_contract():
    for abi in ARTIFACTS.abis.values():
        for entry in abi:
            if entry["type"] == "error":
                types = [item["type"] for item in entry["inputs"]]
                zeros = ["" if kind == "string" else _zero(kind) for kind in types]
                selector = keccak(f"{entry['name']}({','.join(types)})".encode())[:4]
                assert DECODER.decode(selector + encode(types, zeros)).name == entry["name"]


def _zero(kind: str) -> object:
    if kind.startswith("bytes"):
        return bytes(int(kind[5:]))
    return "0x" + "00" * 20 if kind == "address" else 0
