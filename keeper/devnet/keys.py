"""Throw-away keys for the demo, derived from labels so that every run has the same addresses.

Whoever reads this file can compute them: they must never hold anything of value.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from keeper.tx.signers.ephemeral import EphemeralSigner

DEPLOYER: Final = "deployer"
LIQUIDATOR: Final = "liquidator"
MARGIN_KEEPERS: Final = ("keeper one", "keeper two", "keeper three")
FEED_SIGNERS: Final = ("feed one", "feed two", "feed three")

# scrypt with 2**12 rounds instead of 2**18: the keys are public anyway, and open in a blink so.
_LIGHT_KDF_ROUNDS: Final = 2**12


@cache
def address(label: str) -> ChecksumAddress:
    """Return the account that belongs to a label."""
    return local_account(label).address


@cache
def signer(label: str, chain_id: int) -> EphemeralSigner:
    """Return the label's key, for one development chain."""
    return EphemeralSigner(_seed(label), chain_id)


def local_account(label: str) -> LocalAccount:
    """Return the same key without bounds, for what takes nothing else."""
    return Account.from_key(keccak(text=_seed(label)))


@dataclass(frozen=True, slots=True)
class KeystoreFiles:
    """Where one keeper's encrypted key and its password lie."""

    keystore: Path
    password_file: Path


def write_keystore(label: str, directory: Path) -> KeystoreFiles:
    """Write the label's key encrypted (v3) and its fresh password, readable by the owner only."""
    password = secrets.token_urlsafe(24)
    key = local_account(label).key
    encrypted = Account.encrypt(key, password, kdf="scrypt", iterations=_LIGHT_KDF_ROUNDS)
    stem = label.replace(" ", "-")
    files = KeystoreFiles(directory / f"{stem}.json", directory / f"{stem}.password")
    _write_private(files.keystore, json.dumps(encrypted))
    _write_private(files.password_file, password)
    return files


def _seed(label: str) -> str:
    return f"portfolio-margin-keeper demo key: {label}"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
