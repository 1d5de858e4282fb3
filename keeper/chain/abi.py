"""ABI coding by name: a struct is read as a dict of its field names, so nobody counts positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.abi import collapse_if_tuple

from keeper.errors import InputError

Entry: TypeAlias = dict[str, Any]
"""One function, event or error of an ABI."""

Decoded: TypeAlias = Any
"""A value out of the ABI: int, bool, bytes, str, a dict for a struct, a list for an array."""


def signature_of(entry: Entry) -> str:
    """`name(type,...)` with structs spelled out, as selectors and topics hash it."""
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def entry_of(abi: Iterable[Entry], kind: str, name: str) -> Entry:
    """The one function, event or error of that name."""
    found = [entry for entry in abi if entry.get("type") == kind and entry.get("name") == name]
    if len(found) != 1:
        raise InputError(f"the ABI has {len(found)} entries for {kind} {name}, expected one")
    return found[0]


def encode_call(abi: Iterable[Entry], function: str, args: Sequence[object]) -> bytes:
    """Calldata: selector and encoded arguments."""
    entry = entry_of(abi, "function", function)
    return keccak(signature_of(entry).encode())[:4] + abi_encode(_types(entry["inputs"]), args)


def decode_call(abi: Iterable[Entry], function: str, data: bytes) -> tuple[Decoded, ...] | None:
    """Arguments of calldata, or None when it calls another function."""
    entry = entry_of(abi, "function", function)
    if data[:4] != keccak(signature_of(entry).encode())[:4]:
        return None
    return decode_arguments(entry, data[4:])


def decode_result(abi: Iterable[Entry], function: str, data: bytes) -> Decoded:
    """The single result itself; several as a tuple; none as None."""
    outputs: list[Entry] = entry_of(abi, "function", function)["outputs"]
    values = _decode(outputs, data)
    return values[0] if len(values) == 1 else values or None


def decode_arguments(entry: Entry, data: bytes) -> tuple[Decoded, ...]:
    """Arguments of a call or a custom error, given what follows its selector."""
    return _decode(entry["inputs"], data)


@dataclass(frozen=True, slots=True)
class EventLog:
    """One decoded event; `index` is its place in the block."""

    name: str
    args: dict[str, Decoded]
    block: int
    block_hash: bytes
    transaction: bytes
    index: int


def event_topic(abi: Iterable[Entry], event: str) -> bytes:
    """Topic 0 of an event."""
    return keccak(signature_of(entry_of(abi, "event", event)).encode())


def decode_event(
    abi: Iterable[Entry], event: str, topics: Sequence[bytes], data: bytes
) -> dict[str, Decoded]:
    """Arguments of an event by name. Indexed ones must be of one word, as all of ours are."""
    inputs: list[Entry] = entry_of(abi, "event", event)["inputs"]
    indexed = [item for item in inputs if item["indexed"]]
    plain = [item for item in inputs if not item["indexed"]]
    args = {
        item["name"]: abi_decode([collapse_if_tuple(item)], topic)[0]
        for item, topic in zip(indexed, topics[1:], strict=True)
    }
    names = [item["name"] for item in plain]
    return args | dict(zip(names, _decode(plain, data), strict=True))


def _types(items: Iterable[Entry]) -> list[str]:
    return [collapse_if_tuple(cast("Any", item)) for item in items]


def _decode(items: Sequence[Entry], data: bytes) -> tuple[Decoded, ...]:
    values = abi_decode(_types(items), data)
    return tuple(_named(item, value) for item, value in zip(items, values, strict=True))


def _named(item: Entry, value: Decoded) -> Decoded:
    """Give a decoded struct its field names, inside arrays as well."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return value
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        return [_named(inner, element) for element in value]
    fields: list[Entry] = item["components"]
    return {field["name"]: _named(field, part) for field, part in zip(fields, value, strict=True)}
