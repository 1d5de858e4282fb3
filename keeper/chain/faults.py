"""What goes wrong between us and a node, as one error of ours that shows no secret of its URL."""

from __future__ import annotations

import json

import requests
from eth_abi.exceptions import DecodingError
from web3.exceptions import (
    BadResponseFormat,
    BlockNotFound,
    ProviderConnectionError,
    TooManyRequests,
    TransactionNotFound,
    Web3RPCError,
)

from keeper.errors import ChainUnavailable
from keeper.telemetry.redaction import redact_text

_REFUSED = (Web3RPCError, BlockNotFound, TransactionNotFound)
_GIBBERISH = (BadResponseFormat, json.JSONDecodeError, requests.JSONDecodeError)
_NO_ANSWER = (requests.RequestException, ProviderConnectionError, TooManyRequests, OSError)
# What web3 and our decoding raise on an answer of another shape than the method's.
_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, DecodingError)
_TEXT_LIMIT = 120  # an answer may be quoted whole


def unavailable(error: Exception, endpoint: str, method: str) -> ChainUnavailable | None:
    """The error for what a node can do to us; None for anything else, which is a bug.

    `method` is what was asked of the node while it happened.

    Texts of connection errors are left out, because they quote the URL.
    """
    if isinstance(error, _REFUSED):
        return ChainUnavailable(f"{endpoint} refused: {redact_text(str(error))}")
    if isinstance(error, _GIBBERISH):
        return ChainUnavailable(f"{endpoint} does not speak JSON-RPC: check rpc_url ({method})")
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return ChainUnavailable(f"{endpoint} answers with HTTP status {status}")
    if isinstance(error, _NO_ANSWER):
        return ChainUnavailable(f"no answer from {endpoint} ({type(error).__name__})")
    if isinstance(error, _MALFORMED):
        text = " ".join(redact_text(str(error)).split())[:_TEXT_LIMIT]
        return ChainUnavailable(
            f"{endpoint} gave a malformed answer to {method}: {type(error).__name__}: {text}"
        )
    return None
