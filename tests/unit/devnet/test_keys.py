"""Throw-away keys: the same in every run, of one role each, and unlocked from real files."""

import stat

import pytest

from keeper.devnet import keys
from keeper.devnet.actors import ACTORS, DEALERS
from keeper.devnet.stage import addresses
from keeper.errors import SignerError
from keeper.tx.signers.keystore import KeystoreSigner


def test_address__is_the_same_in_every_run():
    assert keys.address(keys.DEPLOYER) == "0x813532461F648C2e76cCb4812f20a6e2E61C6348"


def test_keys__feed_and_margin_signers_are_disjoint():
    margin = {keys.address(label) for label in keys.MARGIN_KEEPERS}
    feed = {keys.address(label) for label in keys.FEED_SIGNERS}
    assert len(margin) == len(feed) == 3
    assert not margin & feed


def test_addresses__everybody_who_sends_once():
    people = {keys.address(actor.name) for actor in (*ACTORS, *DEALERS)}
    assert len(people) == len(ACTORS) + len(DEALERS)
    assert people < set(addresses())
    assert len(set(addresses())) == len(addresses())


def test_signer__another_chain__is_refused():
    with pytest.raises(SignerError, match="development chains"):
        keys.signer(keys.DEPLOYER, 1)


def test_write_keystore__private_files_that_unlock(tmp_path):
    files = keys.write_keystore("keeper one", tmp_path)
    assert stat.S_IMODE(files.keystore.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.password_file.stat().st_mode) == 0o600
    signer = KeystoreSigner.load(files.keystore, files.password_file)
    assert signer.address == keys.address("keeper one")
    # Written anew, password and all, when the folder is used again.
    again = keys.write_keystore("keeper one", tmp_path)
    assert KeystoreSigner.load(again.keystore, again.password_file).address == signer.address
