"""What `keeper demo --out` leaves on disk: bodies, and what other verbs need to use the node."""

from __future__ import annotations

import json
from pathlib import Path

from keeper.devnet import keys
from keeper.devnet.record import Record
from keeper.devnet.stage import Stage


def write_bodies(record: Record, directory: Path) -> None:
    """Write the canonical body of every epoch: its keccak is the epoch's bundle hash."""
    bodies = directory / "bodies"
    bodies.mkdir(parents=True, exist_ok=True)
    for epoch in record.epochs:
        (bodies / f"epoch-{epoch.line.epoch}.body").write_bytes(epoch.body)


def write_keeper_config(stage: Stage, rpc_url: str, directory: Path) -> Path:
    """Write addresses, the liquidator's keystore and a configuration that ties it all together.

    One keeper with all three keys: it makes the quorum alone, as keepers cannot yet exchange
    signatures between processes.
    """
    directory = directory.resolve()
    stage.exchange.contracts.deployment.save(directory / "deployment.json")
    sender = keys.write_keystore(keys.LIQUIDATOR, directory)
    journal = directory / "signing.journal"
    # Left by a demo on an earlier chain, it would forbid the epochs of this one.
    journal.unlink(missing_ok=True)
    lines = [
        "# Written by keeper demo. The keys are public: for this development node alone.",
        f"rpc_url = {json.dumps(rpc_url)}",
        f"deployment_file = {_text(directory / 'deployment.json')}",
        f"signing_log = {_text(journal)}",
    ]
    for files in stage.keystores:
        lines += [
            "",
            "[[signers]]",
            f"keystore = {_text(files.keystore)}",
            f"password_file = {_text(files.password_file)}",
        ]
    lines += [
        "",
        "[sender]",
        f"keystore = {_text(sender.keystore)}",
        f"password_file = {_text(sender.password_file)}",
    ]
    path = directory / "keeper.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _text(path: Path) -> str:
    """Return a path as a TOML string, which JSON's strings are."""
    return json.dumps(str(path.resolve()))
