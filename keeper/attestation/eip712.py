"""EIP-712 by hand: typed structs of atoms and arrays of structs, and the domain.

Every value is checked before it is hashed. Libraries are lenient here: eth-account pads a short
`bytes32` with zeros on the right and then signs another digest than the one that was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, cast

from eth_hash.auto import keccak
from eth_utils.address import (
    is_checksum_address,
    is_checksum_formatted_address,
    is_hex_address,
    to_canonical_address,
)

from keeper.errors import InputError

WORD = 32

Encoder = Callable[[str, object], bytes]


@cache
def typehash(encode_type: str) -> bytes:
    """Return the keccak of an EIP-712 type string."""
    return keccak(encode_type.encode())


class TypedStruct:
    """Base of frozen dataclasses that hash as EIP-712 structs.

    A subclass states `ENCODE_TYPE`, the full type string, and one field per member, in its order.
    Members are checked on construction, so an instance that exists can be hashed.
    """

    __slots__ = ()
    ENCODE_TYPE: ClassVar[str]

    def __post_init__(self) -> None:
        """Check every member.

        Raises:
            InputError: a member has the wrong type, length or range; its name is in the message.
        """
        self._words()

    def struct_hash(self) -> bytes:
        """Return `hashStruct`: keccak of the type hash and one word per member."""
        return keccak(typehash(self.ENCODE_TYPE) + b"".join(self._words()))

    def digest(self, domain: Domain) -> bytes:
        """Return the 32 bytes that are signed for this message under `domain`."""
        return keccak(b"\x19\x01" + domain.separator() + self.struct_hash())

    def _words(self) -> list[bytes]:
        return [encode(name, getattr(self, name)) for name, encode in _members(type(self))]


@dataclass(frozen=True, slots=True)
class Domain(TypedStruct):
    """EIP-712 domain: which contract on which chain a signature is for."""

    ENCODE_TYPE: ClassVar[str] = (
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    )

    name: str
    version: str
    chain_id: int
    verifying_contract: str

    def separator(self) -> bytes:
        """Return the domain separator."""
        return self.struct_hash()


@cache
def _members(struct: type[TypedStruct]) -> tuple[tuple[str, Encoder], ...]:
    """Return (attribute, encoder) of every member, in the order of the type string."""
    inside = struct.ENCODE_TYPE.partition("(")[2].partition(")")[0]
    types = [member.split(" ")[0] for member in inside.split(",")]
    attributes = [field.name for field in fields(struct)]  # pyright: ignore[reportArgumentType]
    return tuple((name, _encoder(kind)) for name, kind in zip(attributes, types, strict=True))


def _encoder(kind: str) -> Encoder:
    if kind.startswith("uint"):
        return _integer_encoder(0, 2 ** int(kind[4:]) - 1)
    if kind.startswith("int"):
        half = 2 ** (int(kind[3:]) - 1)
        return _integer_encoder(-half, half - 1)
    if kind.endswith("[]"):
        return _struct_array_encoder(kind[:-2])
    return {"bytes32": _encode_bytes32, "address": _encode_address, "string": _encode_string}[kind]


def _integer_encoder(low: int, high: int) -> Encoder:
    def encode(name: str, value: object) -> bytes:
        # bool is a subclass of int, and numpy integers wrap: neither may be signed.
        if type(value) is not int:
            raise InputError(f"{name} must be an int, got {type(value).__name__}")
        if not low <= value <= high:
            raise InputError(f"{name} must lie in [{low}, {high}], got {value}")
        return value.to_bytes(WORD, "big", signed=low < 0)

    return encode


def _encode_bytes32(name: str, value: object) -> bytes:
    if not isinstance(value, bytes):
        raise InputError(f"{name} must be bytes, got {type(value).__name__}")
    if len(value) != WORD:
        raise InputError(f"{name} must be 32 bytes, got {len(value)}")
    return value


def _encode_address(name: str, value: object) -> bytes:
    return bytes(12) + canonical_address(name, value)


def _encode_string(name: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise InputError(f"{name} must be a str, got {type(value).__name__}")
    return keccak(value.encode())


def _struct_array_encoder(kind: str) -> Encoder:
    def encode(name: str, value: object) -> bytes:
        if not isinstance(value, tuple):
            raise InputError(f"{name} must be a tuple, got {type(value).__name__}")
        hashes: list[bytes] = []
        for item in cast("tuple[object, ...]", value):
            if not isinstance(item, TypedStruct) or type(item).__name__ != kind:
                raise InputError(f"{name} must hold {kind}, got {type(item).__name__}")
            hashes.append(item.struct_hash())
        return keccak(b"".join(hashes))

    return encode


def canonical_address(name: str, value: object) -> bytes:
    """Return the 20 bytes of an address written as 0x and 40 hex digits.

    Raises:
        InputError: anything else, and mixed case whose checksum is wrong (a typing error).
    """
    if not isinstance(value, str) or len(value) != 42 or not is_hex_address(value):
        raise InputError(f"{name} must be an address of 0x and 40 hex digits, got {value!r}")
    if is_checksum_formatted_address(value) and not is_checksum_address(value):
        raise InputError(f"{name} has a wrong checksum: {value}")
    return to_canonical_address(value)
