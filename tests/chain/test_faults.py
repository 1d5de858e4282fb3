"""Accounts at fault get the sentinel, and the epoch goes on for everybody else."""

from dataclasses import replace

import numpy as np
import pytest

from keeper.attestation.leaf import leaf_hash
from keeper.attestation.leaves import MarginLeaves
from keeper.devnet import keys, market
from keeper.devnet.actors import DEALERS, HEDGED_STRADDLE, RELATIVE_VALUE
from keeper.devnet.demo import build_next_epoch, sign_and_submit
from keeper.devnet.exchange import NO_CLAIM, account_of, claim
from keeper.devnet.instruments import put
from keeper.devnet.wallet import Wallet
from keeper.jobs.attest import attest_latest
from keeper.margin.portfolio import margin_book
from keeper.units import USD6
from tests.chain.stages import FEW, opened, post_spots, post_surface

pytestmark = pytest.mark.chain

ACCOUNT = account_of(RELATIVE_VALUE.name)
HEALTHY = {account_of(HEDGED_STRADDLE.name), account_of(DEALERS[0].name)}
LATE_EXPIRY = market.START + 30 * market.DAY


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Three hours on, the BTC surface was never renewed, and an expiry was listed without one."""
    stage = opened(tmp_path_factory.mktemp("faults"), FEW)
    owner = Wallet(stage.client, keys.signer(keys.DEPLOYER, stage.chain.chain_id))
    deployment = stage.exchange.contracts.deployment
    owner.send(deployment.market_feeds, "addExpiry", market.BTC, LATE_EXPIRY)
    owner.send(deployment.listings, "list", [put(market.BTC, LATE_EXPIRY, 7_000).pack()])
    post_spots(stage, 3)
    post_surface(stage, market.ETH, 3)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def works(stage):
    works = build_next_epoch(stage)
    sign_and_submit(stage, works)
    return works


def test_stale_surface__three_keepers_attest_the_same_root(works):
    assert len({work.tree.root for work in works}) == 1
    assert len({work.digest for work in works}) == 1


def test_stale_surface__its_holders_get_the_sentinel_alone(works):
    leaves = {leaf.account: leaf for leaf in works[0].leaves}
    assert {account for account, leaf in leaves.items() if not leaf.is_sentinel} == HEALTHY
    assert leaves[ACCOUNT].initial_margin == leaves[ACCOUNT].maintenance_margin == 2**128 - 1
    assert leaves[ACCOUNT].worst_scenario == 255


def test_stale_surface__others_have_the_leaf_that_they_had_without_it(stage, works):
    work = works[0]
    sound = with_times(work.snapshot, lambda time: np.full_like(time, work.at.timestamp))
    others = leaves(work.epoch, margin_book(sound, stage.model))
    assert not any(leaf.is_sentinel for leaf in others.values())
    for leaf in work.leaves:
        assert (leaf == others[leaf.account]) == (leaf.account in HEALTHY)


def test_unpublished_surface__its_holder_has_a_sentinel_and_no_figures(stage, works):
    work = works[0]
    never = with_times(work.snapshot, lambda time: np.where(btc(work.snapshot), 0, time))
    book = margin_book(never, stage.model)
    found = leaves(work.epoch, book)
    assert {account for account, leaf in found.items() if not leaf.is_sentinel} == HEALTHY
    assert not book.measured[book.accounts.index(ACCOUNT)]
    before = {leaf.account: leaf for leaf in work.leaves}
    assert all(found[account] == before[account] for account in HEALTHY)


def test_unpublished_listing__is_in_the_body_and_stops_nobody(works):
    snapshot = works[0].snapshot
    high = snapshot.listings.instrument[:, 0]
    assert put(market.BTC, LATE_EXPIRY, 7_000).pack() >> 64 in high.tolist()
    late = snapshot.forwards.expiry == LATE_EXPIRY
    assert snapshot.forwards.time[late].tolist() == [0]


def test_sentinel__gives_no_discount_and_new_risk_is_refused(stage, works):
    work = works[0]
    leaf = next(leaf for leaf in work.leaves if leaf.account == ACCOUNT)
    for shown in (
        NO_CLAIM,
        claim(leaf, work.tree.proof(leaf_hash(leaf)), work.base_of(leaf.account)),
    ):
        call = stage.exchange.withdraw_call(RELATIVE_VALUE, 1_000 * USD6, shown)
        house = stage.exchange.contracts.deployment.clearinghouse
        revert = stage.client.simulate(house, "withdraw", call, sender=call[2])
        assert revert.name == "StaleMarket"


def test_next_epoch__after_the_surface_is_back__has_no_sentinel(stage, works):
    [*_, last] = market.surface(market.BTC, 3, stage.chain.now())
    post_surface(stage, market.BTC, 3, replace(last, expiry=LATE_EXPIRY))
    again = build_next_epoch(stage)
    assert not any(leaf.is_sentinel for leaf in again[0].leaves)
    sign_and_submit(stage, again)
    # Nothing is left to do for a keeper that comes late.
    assert attest_latest(stage.keepers[0]) is None


def with_times(snapshot, change):
    forwards = replace(snapshot.forwards, time=change(snapshot.forwards.time))
    return replace(snapshot, forwards=forwards)


def btc(snapshot):
    return snapshot.forwards.underlying == market.BTC


def leaves(epoch, book):
    return {leaf.account: leaf for leaf in MarginLeaves.of_book(epoch, book)}
