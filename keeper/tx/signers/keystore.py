"""A key from a keystore v3 file and a file with its password."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount

from keeper.errors import KeystoreUnusable, SignerError, WrongPassword
from keeper.tx.signers.base import LocalSigner

READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeystoreSigner(LocalSigner):
    """A signer whose key was unlocked from disk."""

    __slots__ = ()

    @classmethod
    def load(cls, keystore: Path, password_file: Path) -> KeystoreSigner:
        """Unlock the key; scrypt takes about a second.

        Raises:
            KeystoreUnusable: names the file and what is wrong with it: missing, unreadable, a
                password file that others may read (POSIX), malformed, or another address inside
                than the file says.
            WrongPassword: the password does not unlock it.
        """
        _refuse_shared(password_file)
        unlocked = _unlock(keystore, _read_keystore(keystore), password_file)
        # Raised out here: a context would keep frames alive that have the password as a local.
        if isinstance(unlocked, SignerError):
            raise unlocked
        return cls(unlocked)


def _unlock(
    path: Path, keystore: Mapping[str, Any], password_file: Path
) -> LocalAccount | SignerError:
    """Return the unlocked account or, in words that show no secret, why there is none."""
    password = _read(password_file, "password file").rstrip("\r\n")
    try:
        account = Account.from_key(Account.decrypt(dict(keystore), password))
    except Exception as error:  # noqa: BLE001 - eth-keyfile raises whatever a bad field leads to
        if "MAC mismatch" in str(error):
            return WrongPassword(f"keystore {path}: the password in {password_file} is wrong")
        problem = f"not a keystore v3 that can be unlocked ({type(error).__name__})"
        return KeystoreUnusable(f"keystore {path}: {problem}")
    stated = str(keystore.get("address", account.address)).removeprefix("0x").lower()
    if stated != account.address[2:].lower():
        problem = f"says address 0x{stated} but holds the key of {account.address}"
        return KeystoreUnusable(f"keystore {path}: {problem}")
    return account


def _read_keystore(path: Path) -> Mapping[str, Any]:
    text = _read(path, "keystore")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    # Raised out here: the decoder's error quotes the file.
    if not isinstance(content, dict):
        raise KeystoreUnusable(f"keystore {path}: not a JSON object")
    return cast("Mapping[str, Any]", content)


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problem = "missing"
    except OSError as error:
        problem = f"unreadable ({error.strerror})"
    except UnicodeDecodeError:
        problem = "not UTF-8 text"
    raise KeystoreUnusable(f"{what} {path}: {problem}")


def _refuse_shared(password_file: Path) -> None:
    if os.name != "posix" or not password_file.exists():
        return
    mode = stat.S_IMODE(password_file.stat().st_mode)
    if mode & READABLE_BY_OTHERS:
        problem = f"others may read it (mode {mode:o}): chmod 600"
        raise KeystoreUnusable(f"password file {password_file}: {problem}")
