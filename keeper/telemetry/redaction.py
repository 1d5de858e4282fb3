"""Removal of secrets from text before anybody sees it.

RPC providers put their API key into the path or the credentials of the URL, so of a URL only
scheme, host and port may be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

Loggable: TypeAlias = Any

HIDDEN = "***"

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>()]+", re.IGNORECASE)
# urllib3 names a path without its host: `Max retries exceeded with url: /v3/KEY`, `"POST /v3/KEY`.
_BARE_PATH = re.compile(r"(url: |\"(?:GET|POST) )/[^\s'\"]*", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(^|_)(password|passphrase|private_key|secret|mnemonic|api_key)$")


def redact_url(url: str) -> str:
    """Scheme, host and port of a URL; a mark stands for whatever else it had."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if not host:
        return HIDDEN
    shown = f"[{host}]" if ":" in host else host
    rest = bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{f'/{HIDDEN}' if rest else ''}"


def redact_text(text: str) -> str:
    """The text with every URL in it redacted."""
    text = _URL.sub(lambda match: redact_url(match.group()), text)
    return _BARE_PATH.sub(rf"\1/{HIDDEN}", text)


def redact(value: Loggable, name: str = "") -> Loggable:
    """A loggable copy: secrets by field name hidden, URLs redacted, bytes as 0x hex."""
    if _SECRET_NAME.search(name.lower()):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {key: redact(item, str(key)) for key, item in items}
    if isinstance(value, list | tuple):
        return [redact(item) for item in cast("list[object]", value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))


def redaction_processor(
    _logger: Loggable, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog processor: every field of every event goes through `redact`."""
    return {key: redact(value, key) for key, value in event.items()}
