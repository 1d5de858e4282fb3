import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from keeper.attestation.typed_data import MarginAttestation, oracle_domain
from keeper.errors import SignerError, SigningRefused
from keeper.quorum.collect import collect
from keeper.quorum.signing_log import Entry, SigningLog
from keeper.tx.signers.ephemeral import EphemeralSigner

BLOCK, REORGED, CONFIG = keccak(b"block"), keccak(b"reorged"), keccak(b"config")
ONE, TWO = keccak(b"one"), keccak(b"two")
ENTRY = Entry(7, BLOCK, CONFIG, ONE)
CONFLICT = replace(ENTRY, digest=TWO)
NEXT = Entry(8, keccak(b"next block"), CONFIG, keccak(b"next"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "signing.log"


def record(path, *entries):
    with SigningLog(path) as log:
        for entry in entries:
            log.record(entry)


def test_record__another_digest_for_the_same_block__is_refused(path):
    with SigningLog(path) as log:
        log.record(ENTRY)
        with pytest.raises(SigningRefused, match="signed already"):
            log.record(CONFLICT)
        log.record(ENTRY)  # the same again is no contradiction


def test_record__after_a_restart__remembers(path):
    record(path, ENTRY)
    with SigningLog(path) as log:
        with pytest.raises(SigningRefused, match="signed already"):
            log.record(CONFLICT)
        log.record(ENTRY)


def test_record__same_digest_again__writes_nothing(path):
    record(path, ENTRY, ENTRY)
    record(path, ENTRY)
    assert path.read_bytes() == ENTRY.to_line()


@pytest.mark.parametrize("reopen", [False, True])
def test_record__older_epoch__is_refused(path, reopen):
    log = SigningLog(path)
    log.record(ENTRY)
    log.record(NEXT)
    if reopen:
        log.close()
        log = SigningLog(path)
    with log:
        for older in (ENTRY, CONFLICT, replace(ENTRY, ref_block_hash=REORGED)):
            with pytest.raises(SigningRefused, match="older than 8"):
                log.record(older)
        log.record(replace(NEXT, epoch=9))


def test_record__reorged_block_or_other_configuration__may_be_signed(path):
    other_block = replace(CONFLICT, ref_block_hash=REORGED)
    other_config = replace(CONFLICT, config_digest=keccak(b"rotated"))
    record(path, ENTRY, other_block, other_config)
    with SigningLog(path) as log:
        for signed in (ENTRY, other_block, other_config):
            with pytest.raises(SigningRefused, match="signed already"):
                log.record(replace(signed, digest=keccak(b"third")))


def test_record__on_return__the_line_was_synced_and_is_complete(path, monkeypatch):
    synced = []
    real = os.fsync

    def spy(descriptor):
        synced.append(path.read_bytes())
        real(descriptor)

    with SigningLog(path) as log:
        monkeypatch.setattr(os, "fsync", spy)
        log.record(ENTRY)
        assert synced == [ENTRY.to_line()]


class Witness:
    """A signer that notes what was on disk when it was asked."""

    def __init__(self, path):
        self.path, self.inner, self.seen = path, EphemeralSigner("witness", 1337), []

    @property
    def address(self):
        return self.inner.address

    def sign_digest(self, digest):
        self.seen.append(self.path.read_bytes())
        return self.inner.sign_digest(digest)

    def sign_transaction(self, transaction):
        raise AssertionError("not asked for")


DOMAIN = oracle_domain(1337, "0x" + "11" * 20)
ATTESTATION = MarginAttestation(CONFIG, 7, 224, 1, 1, BLOCK, *[keccak(b"x")] * 3)


def test_sign__first_the_line_then_the_signature(path):
    witness = Witness(path)
    with SigningLog(path) as log:
        signed = log.sign(ATTESTATION, DOMAIN, witness)
        entry = Entry(7, BLOCK, CONFIG, ATTESTATION.digest(DOMAIN))
        assert witness.seen == [entry.to_line()]
        assert collect([signed], entry.digest, [witness.address], 1) == (signed.signature,)
        with pytest.raises(SigningRefused):
            log.sign(replace(ATTESTATION, margin_root=TWO), DOMAIN, witness)
        assert len(witness.seen) == 1, "no signature was even made"
        assert log.sign(ATTESTATION, DOMAIN, witness) == signed


def test_recovery__last_line_cut_at_every_byte__never_equivocates(path):
    record(path, ENTRY, NEXT)
    whole = path.read_bytes()
    first = ENTRY.to_line()
    conflict = replace(NEXT, digest=TWO)
    for length in range(len(first), len(whole) + 1):
        path.write_bytes(whole[:length])
        with SigningLog(path) as log:
            # NEXT was released only if its line is complete, newline included.
            if length == len(whole):
                with pytest.raises(SigningRefused):
                    log.record(conflict)
                log.record(NEXT)
            else:
                with pytest.raises(SigningRefused, match="signed already"):
                    log.record(CONFLICT)
                log.record(conflict)
                with pytest.raises(SigningRefused, match="signed already"):
                    log.record(NEXT)
        lines = path.read_bytes().splitlines(keepends=True)
        assert lines[0] == first
        assert len(lines) == 2


def test_recovery__only_line_cut__starts_empty(path):
    for length in range(len(ENTRY.to_line())):
        path.write_bytes(ENTRY.to_line()[:length])
        record(path, CONFLICT)
        assert path.read_bytes() == CONFLICT.to_line()


def without_last_field(line):
    columns = json.loads(line)
    del columns["digest"]
    return json.dumps(columns).encode() + b"\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: b"\n",
        lambda line: b"garbage\n",
        lambda line: b"[]\n",
        lambda line: b"\x00" * 40 + b"\n",
        lambda line: b"\xff\xfe\n",
        lambda line: line[:-20] + b"\n",
        lambda line: line.replace(b'"epoch": 7', b'"epoch": "7"'),
        lambda line: line.replace(b'"epoch": 7', b'"epoch": 7.0'),
        lambda line: line.replace(b'"epoch": 7', b'"epoch": true'),
        lambda line: line.replace(b"0x", b"0X"),
        lambda line: line.replace(ENTRY.digest.hex().encode(), b"00"),
        without_last_field,
    ],
)
def test_recovery__complete_line_damaged__stops_loudly(path, damage):
    record(path, ENTRY, NEXT)
    path.write_bytes(damage(ENTRY.to_line()) + NEXT.to_line())
    with pytest.raises(SignerError, match=r"signing\.log: line 1 is damaged"):
        SigningLog(path)
    path.write_bytes(ENTRY.to_line() + NEXT.to_line())
    SigningLog(path).close()


@pytest.mark.parametrize(
    "lines", [(NEXT, ENTRY), (ENTRY, CONFLICT), (ENTRY, NEXT, replace(NEXT, digest=ONE))]
)
def test_recovery__lines_that_no_signer_writes__stop_loudly(path, lines):
    path.write_bytes(b"".join(entry.to_line() for entry in lines))
    with pytest.raises(SignerError, match=f"line {len(lines)} is damaged"):
        SigningLog(path)


@pytest.mark.parametrize("failing", ["fsync", "write", "short write"])
def test_record__disk_fails__refuses_until_reopened(path, monkeypatch, failing):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    log = SigningLog(path)
    log.record(ENTRY)
    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        log._file = Failing(log._file, full if failing == "write" else None)
    with pytest.raises(SignerError):
        log.record(NEXT)
    monkeypatch.undo()
    for entry in (NEXT, replace(NEXT, digest=TWO), ENTRY):
        with pytest.raises(SignerError, match="reopen"):
            log.record(entry)
    with SigningLog(path) as reopened:
        reopened.record(NEXT)
        with pytest.raises(SigningRefused):
            reopened.record(replace(NEXT, digest=TWO))


class Failing:
    """A file whose writes stop half way."""

    def __init__(self, file, fail):
        self.file, self.fail = file, fail

    def write(self, data):
        written = self.file.write(data[: len(data) // 2])
        return self.fail() if self.fail else written

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_open__second_time__is_refused_while_the_first_holds_it(path):
    with SigningLog(path), pytest.raises(SignerError, match="another process"):
        SigningLog(path)
    SigningLog(path).close()


def test_open__from_another_process__is_refused(path):
    program = (
        "import sys, pathlib\n"
        "from keeper.quorum.signing_log import SigningLog\n"
        "from keeper.errors import SignerError\n"
        "try:\n    SigningLog(pathlib.Path(sys.argv[1]))\n"
        "except SignerError as error:\n    sys.exit(error.exit_code)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with SigningLog(path):
        assert subprocess.run(command, check=False).returncode == 77
    assert subprocess.run(command, check=False).returncode == 0


def test_open__folder_missing__is_a_clear_error(tmp_path):
    with pytest.raises(SignerError, match="No such file"):
        SigningLog(tmp_path / "missing" / "signing.log")


def test_record__many_threads_with_conflicting_digests__one_wins(path):
    released, barrier = [], threading.Barrier(8)

    def attempt(number):
        barrier.wait()
        try:
            log.record(replace(ENTRY, digest=bytes([number]) * 32))
        except SigningRefused:
            return
        released.append(number)

    with SigningLog(path) as log:
        threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(released) == 1
    assert len(path.read_bytes().splitlines()) == 1
