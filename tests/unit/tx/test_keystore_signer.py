import copy
import hashlib
import json
import os
import pickle
import traceback

import pytest
from eth_account import Account
from eth_hash.auto import keccak

from keeper.attestation.signature import CURVE_ORDER
from keeper.errors import SignerError
from keeper.quorum.recovery import recover
from keeper.tx.signers import KeystoreSigner

KEY = keccak(b"keystore test key")
ADDRESS = Account.from_key(KEY).address
PASSWORD = "correct horse battery staple"
# One round instead of a million: the cost of guessing is not what is tested.
KEYSTORE = Account.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=1)
DIGEST = keccak(b"digest")
TRANSACTION = {
    "chainId": 1,
    "nonce": 0,
    "to": "0x" + "11" * 20,
    "value": 0,
    "gas": 21_000,
    "maxFeePerGas": 10,
    "maxPriorityFeePerGas": 1,
}


@pytest.fixture
def keystore(tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(KEYSTORE))
    return path


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "key.password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def signer(keystore, password_file):
    return KeystoreSigner.load(keystore, password_file)


def assert_no_secret(text, *, password=True):
    for secret in (KEY.hex(), str(int.from_bytes(KEY, "big")), repr(KEY)[2:-1]):
        assert secret not in text
    assert not password or PASSWORD not in text


def everything_of(error):
    """The traceback with all locals of all frames, of the error and of every context."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert error.__context__ is None or error.__suppress_context__ is False
    return "".join(shown.format())


def refusal(function, *args):
    with pytest.raises(SignerError) as caught:
        function(*args)
    assert_no_secret(everything_of(caught.value))
    return str(caught.value)


def test_control__eth_account_alone__shows_the_key_in_a_frame():
    with pytest.raises(TypeError) as caught:
        Account.sign_transaction({**TRANSACTION, "unknown": 1}, KEY)
    with pytest.raises(AssertionError):
        assert_no_secret(everything_of(caught.value))


def test_load__right_password__signs_as_eth_account(signer):
    assert signer.address == ADDRESS
    signature = signer.sign_digest(DIGEST)
    assert recover(DIGEST, signature) == ADDRESS
    assert signature.to_bytes() == Account.unsafe_sign_hash(DIGEST, KEY).signature
    raw = signer.sign_transaction(TRANSACTION)
    assert Account.recover_transaction(raw) == ADDRESS


def test_load__scrypt__is_read(tmp_path, password_file):
    path = tmp_path / "scrypt.json"
    path.write_text(json.dumps(Account.encrypt(KEY, PASSWORD, kdf="scrypt", iterations=2)))
    assert KeystoreSigner.load(path, password_file).address == ADDRESS


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_load__line_ending_after_the_password__does_not_count(keystore, password_file, ending):
    password_file.write_bytes((PASSWORD + ending).encode())
    assert KeystoreSigner.load(keystore, password_file).address == ADDRESS


def test_load__wrong_password__says_so(keystore, password_file):
    password_file.write_text("wrong")
    message = refusal(KeystoreSigner.load, keystore, password_file)
    assert message == f"keystore {keystore}: the password in {password_file} is wrong"


def test_load__missing_files__are_named(tmp_path, keystore, password_file):
    missing = tmp_path / "missing"
    message = refusal(KeystoreSigner.load, missing, password_file)
    assert message == f"keystore {missing}: missing"
    message = refusal(KeystoreSigner.load, keystore, missing)
    assert message == f"password file {missing}: missing"


def test_load__a_folder__is_unreadable(tmp_path, password_file):
    message = refusal(KeystoreSigner.load, tmp_path, password_file)
    assert message.startswith(f"keystore {tmp_path}: unreadable (")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644, 0o610, 0o601])
def test_load__password_file_of_others__is_refused(keystore, password_file, mode):
    password_file.chmod(mode)
    message = refusal(KeystoreSigner.load, keystore, password_file)
    assert message.startswith(f"password file {password_file}: others may read it (mode {mode:o})")
    password_file.chmod(0o400)
    assert KeystoreSigner.load(keystore, password_file)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_load__no_permission__is_unreadable(keystore, password_file):
    keystore.chmod(0o000)
    assert "unreadable" in refusal(KeystoreSigner.load, keystore, password_file)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"key"', b"\xff\xfe\x00"])
def test_load__not_json__is_named_without_quoting(keystore, password_file, content):
    keystore.write_bytes(content)
    message = refusal(KeystoreSigner.load, keystore, password_file)
    assert message.startswith(f"keystore {keystore}: not ")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"version": None},
        {"crypto": {}},
        {"crypto": None},
        {"crypto": {**KEYSTORE["crypto"], "kdf": "md5"}},
        {"crypto": {**KEYSTORE["crypto"], "mac": 5}},
        {"crypto": {**KEYSTORE["crypto"], "ciphertext": "zz"}},
    ],
)
def test_load__malformed_keystore__is_refused(keystore, password_file, change):
    keystore.write_text(json.dumps({**KEYSTORE, **change}))
    message = refusal(KeystoreSigner.load, keystore, password_file)
    assert f"keystore {keystore}: not a keystore v3" in message


def test_load__raw_key_as_keystore__is_refused_without_quoting_it(keystore, password_file):
    for text in (KEY.hex(), json.dumps("0x" + KEY.hex()), json.dumps({"key": KEY.hex()})):
        keystore.write_text(text)
        with pytest.raises(SignerError) as caught:
            KeystoreSigner.load(keystore, password_file)
        assert_no_secret(str(caught.value))


def keystore_of(key):
    """Return KEYSTORE with another key in it; eth-keyfile itself writes no unusable one."""
    crypto = KEYSTORE["crypto"]
    old, kdf = bytes.fromhex(crypto["ciphertext"]), crypto["kdfparams"]
    cipher = bytes(a ^ b ^ c for a, b, c in zip(old, KEY, key, strict=True))  # counter mode
    salt = bytes.fromhex(kdf["salt"])
    derived = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, kdf["c"], 32)
    mac = keccak(derived[16:] + cipher).hex()
    changed = {"crypto": {**crypto, "ciphertext": cipher.hex(), "mac": mac}}
    return {key: value for key, value in (KEYSTORE | changed).items() if key != "address"}


@pytest.mark.parametrize("number", [0, CURVE_ORDER, CURVE_ORDER + 1, 2**256 - 1])
def test_load__key_outside_the_curve__is_refused(keystore, password_file, number):
    one = (1).to_bytes(32, "big")
    keystore.write_text(json.dumps(keystore_of(one)))
    assert KeystoreSigner.load(keystore, password_file).address == Account.from_key(one).address
    keystore.write_text(json.dumps(keystore_of(number.to_bytes(32, "big"))))
    assert "not a keystore v3" in refusal(KeystoreSigner.load, keystore, password_file)


def test_load__address_of_another_key__is_refused(keystore, password_file):
    keystore.write_text(json.dumps({**KEYSTORE, "address": "11" * 20}))
    assert f"holds the key of {ADDRESS}" in refusal(KeystoreSigner.load, keystore, password_file)
    for stated in (ADDRESS, ADDRESS[2:], ADDRESS.lower()):
        keystore.write_text(json.dumps({**KEYSTORE, "address": stated}))
        assert KeystoreSigner.load(keystore, password_file).address == ADDRESS


def test_signer__shown_in_any_way__has_no_key(signer):
    assert repr(signer) == f"KeystoreSigner({ADDRESS})"
    for text in (repr(signer), str(signer), f"{signer!r:>80}", repr([signer]), repr(dir(signer))):
        assert_no_secret(text)
    assert not hasattr(signer, "__dict__")
    assert_no_secret(repr(signer._account))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_signer__pickled__is_refused(signer, protocol):
    assert "cannot be pickled" in refusal(pickle.dumps, signer, protocol)


def test_signer__copied__is_refused(signer):
    refusal(copy.copy, signer)
    refusal(copy.deepcopy, signer)


@pytest.mark.parametrize("digest", [b"", b"\x01" * 31, b"\x01" * 33, "0x" + "01" * 32, None, 5])
def test_sign_digest__not_32_bytes__is_refused(signer, digest):
    assert signer.sign_digest(DIGEST)
    assert "32 bytes" in refusal(signer.sign_digest, digest)


@pytest.mark.parametrize(
    "change",
    [
        {"to": "0x11"},
        {"gas": -1},
        {"gas": None},
        {"nonce": "x"},
        {"unknown": 1},
        {"from": "0x" + "22" * 20},
    ],
)
def test_sign_transaction__bad_field__no_frame_shows_the_key(signer, change):
    message = refusal(signer.sign_transaction, {**TRANSACTION, **change})
    assert "cannot be signed" in message


@pytest.mark.parametrize("chain", [None, "1", True, 1.0])
def test_sign_transaction__no_chain_id__is_refused(signer, chain):
    transaction = {**TRANSACTION, "chainId": chain}
    if chain is None:
        del transaction["chainId"]
    assert "chainId" in refusal(signer.sign_transaction, transaction)
