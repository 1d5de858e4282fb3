import io
import json
import logging

import pytest
import structlog

from keeper.telemetry.logging import configure_logging
from keeper.telemetry.redaction import redact, redact_text, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("https://mainnet.infura.io/v3/0123456789abcdef", "https://mainnet.infura.io/***"),
        ("https://user:hunter2@node.example:443/rpc?key=1#x", "https://node.example:443/***"),
        ("https://user@node.example", "https://node.example/***"),
        ("wss://[::1]:8546/ws/KEY", "wss://[::1]:8546/***"),
        ("http://node:port", "***"),
        ("nonsense", "***"),
    ],
)
def test_redact_url__keeps_scheme_host_and_port(url, shown):
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Max retries exceeded with url: /v3/SECRET (Caused by x)",
        '"POST /v3/SECRET HTTP/1.1" 200 None',
        "failed (https://u:SECRET@host/SECRET), again at 'wss://host/SECRET?a=SECRET'",
    ],
)
def test_redact_text__no_secret_is_left(text):
    assert "SECRET" not in redact_text(text)


def test_redact_text__plain_text__is_untouched():
    text = "block 12 at 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045: a/b, 3 > 2"
    assert redact_text(text) == text


def test_redact__fields_by_name_and_depth():
    event = {
        "password": "hunter2",
        "sender": {"private_key": b"\x01", "address": "0xab"},
        "urls": ["https://host/KEY", b"\xde\xad"],
        "password_file": "secrets/one.password",
        "epoch": 3,
        "none": None,
    }
    assert redact(event) == {
        "password": "***",
        "sender": {"private_key": "***", "address": "0xab"},
        "urls": ["https://host/***", "0xdead"],
        "password_file": "secrets/one.password",
        "epoch": 3,
        "none": None,
    }


def test_logging__not_a_terminal__one_json_object_a_line():
    out = io.StringIO()
    configure_logging("info", stream=out)
    structlog.get_logger().info("epoch_attested", epoch=3, root=b"\x01\x02", rpc="http://h/KEY")
    structlog.get_logger().debug("unseen")
    [line] = out.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["epoch"]) == ("epoch_attested", "info", 3)
    assert (event["root"], event["rpc"]) == ("0x0102", "http://h/***")
    assert "ts" in event


def test_logging__exceptions__are_redacted_too():
    out = io.StringIO()
    configure_logging("info", stream=out)
    try:
        raise ValueError("no answer from https://host/SECRET")
    except ValueError:
        structlog.get_logger().exception("job_crashed")
    event = json.loads(out.getvalue())
    assert "ValueError" in event["exception"]
    assert "SECRET" not in out.getvalue()


def test_logging__libraries__are_redacted_too():
    out = io.StringIO()
    configure_logging("info", stream=out)
    logging.getLogger("urllib3.connectionpool").warning("Retrying https://host/SECRET")
    logging.getLogger("urllib3.connectionpool").debug("POST /v3/SECRET")
    [line] = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "Retrying https://host/***"


def test_logging__console__is_readable_text():
    out = io.StringIO()
    configure_logging("info", json_lines=False, stream=out)
    structlog.get_logger().info("epoch_attested", epoch=3)
    assert "epoch_attested" in out.getvalue()
    assert "epoch=3" in out.getvalue()
