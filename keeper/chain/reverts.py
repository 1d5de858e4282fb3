"""One reading of a revert, whatever the backend.

eth-tester puts the data into its message as the repr of bytes, web3 over HTTP gives hex in `data`,
and other nodes hide it in the JSON of the error.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from web3.exceptions import ContractLogicError, Web3RPCError

from keeper.chain.abi import Entry, decode_arguments, signature_of
from keeper.errors import Reverted

_ERROR_STRING = keccak(b"Error(string)")[:4]
_PANIC = keccak(b"Panic(uint256)")[:4]

_BYTES_REPR = re.compile(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""")
_HEX = re.compile(r"0x[0-9a-fA-F]*")


@dataclass(frozen=True, slots=True)
class DecodedRevert:
    """A revert by the name of its custom error; `raw` is what the EVM returned."""

    name: str
    args: tuple[Any, ...]
    raw: bytes

    def error(self) -> Reverted:
        """The same as an exception."""
        return Reverted(self.name, tuple(_shown(arg) for arg in self.args))


class RevertDecoder:
    """Knows every custom error of a set of ABIs by selector."""

    def __init__(self, abis: Iterable[Iterable[Entry]]) -> None:
        self._errors: dict[bytes, Entry] = {
            keccak(signature_of(entry).encode())[:4]: entry
            for abi in abis
            for entry in abi
            if entry.get("type") == "error"
        }

    def decode(self, data: bytes) -> DecodedRevert:
        """Name the revert; an unknown selector is named by its hex, no data by `Revert`."""
        selector, body = data[:4], data[4:]
        try:
            if entry := self._errors.get(selector):
                return DecodedRevert(entry["name"], decode_arguments(entry, body), data)
            if selector == _ERROR_STRING:
                return DecodedRevert("Error", abi_decode(["string"], body), data)
            if selector == _PANIC:
                return DecodedRevert("Panic", abi_decode(["uint256"], body), data)
        except DecodingError:
            pass  # shorter than its signature: shown raw, as an unknown error is
        name = f"0x{selector.hex()}" if data else "Revert"
        return DecodedRevert(name, (body,) if body else (), data)

    def of(self, error: Exception) -> DecodedRevert | None:
        """Read the revert out of an exception of any backend; None when it is none."""
        data = revert_data(error)
        return None if data is None else self.decode(data)


def revert_data(error: Exception) -> bytes | None:
    """What the EVM returned with a revert (empty when nothing), or None when this is no revert."""
    # By name, because eth-tester is an optional dependency.
    if type(error).__name__ == "TransactionFailed":
        return _from_eth_tester(str(error))
    if isinstance(error, ContractLogicError):
        return _hex_in(error.data) or _hex_in(error.message) or b""
    if isinstance(error, Web3RPCError):
        return _from_rpc(error.rpc_response)
    return None


def _from_eth_tester(message: str) -> bytes:
    """The repr of bytes, or the text of an `Error(string)`, which py-evm decodes by itself."""
    text = message.removeprefix("execution reverted: ")
    if _BYTES_REPR.fullmatch(text):
        return bytes(ast.literal_eval(text))
    return _ERROR_STRING + abi_encode(["string"], [text])


def _from_rpc(response: object) -> bytes | None:
    """Nodes that web3 does not recognise: JSON-RPC code 3, or the word in the message."""
    if not isinstance(response, dict):
        return None
    error = cast("dict[str, Any]", response).get("error")
    if not isinstance(error, dict):
        return None
    fields = cast("dict[str, Any]", error)
    if fields.get("code") != 3 and "revert" not in str(fields.get("message", "")).lower():
        return None
    return _hex_in(fields.get("data")) or b""


def _hex_in(value: object) -> bytes | None:
    if isinstance(value, dict):
        return _hex_in(cast("dict[str, Any]", value).get("data"))
    match = _HEX.search(value) if isinstance(value, str) else None
    return bytes.fromhex(match.group()[2:]) if match and len(match.group()) % 2 == 0 else None


def _shown(value: object) -> object:
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
