"""The contracts on the embedded chain: deployed, opened, attested, and leaves taken or refused."""

from dataclasses import replace

import pytest

from keeper.attestation.leaf import leaf_hash
from keeper.audit.replay import replay_all
from keeper.chain.attestations import latest_attestation
from keeper.devnet import keys, market
from keeper.devnet.actors import HEDGED_STRADDLE, RELATIVE_VALUE, listed
from keeper.devnet.demo import build_next_epoch, sign_and_submit
from keeper.devnet.exchange import NO_CLAIM, account_of, claim
from keeper.margin.scenarios import model_hash
from keeper.units import USD6
from tests.chain.stages import FEW, opened

pytestmark = pytest.mark.chain

ACCOUNT = account_of(RELATIVE_VALUE.name)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = opened(tmp_path_factory.mktemp("stage"), FEW)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def works(stage):
    works = build_next_epoch(stage)
    sign_and_submit(stage, works)
    return works


@pytest.fixture(scope="module")
def work(works):
    return works[0]


def leaf_of(work, account=ACCOUNT):
    return next(leaf for leaf in work.leaves if leaf.account == account)


def claim_of(work, account=ACCOUNT):
    leaf = leaf_of(work, account)
    return claim(leaf, work.tree.proof(leaf_hash(leaf)), work.base_of(leaf.account))


def withdrawal(stage, work, shown):
    """What the contract says to a withdrawal down to between the attested margin and the grid's."""
    health = stage.exchange.health(ACCOUNT)
    keep = (leaf_of(work).initial_margin + health["gridInitial"]) // 2
    amount = (health["equity"] - keep) // USD6 * USD6
    call = stage.exchange.withdraw_call(RELATIVE_VALUE, amount, shown)
    house = stage.exchange.contracts.deployment.clearinghouse
    return stage.client.simulate(house, "withdraw", call, sender=call[2])


def test_deployment__is_what_the_model_and_the_keys_say(stage):
    client, deployment = stage.client, stage.exchange.contracts.deployment
    head = client.head()
    client.check(deployment, head)
    assert client.call(deployment.risk_engine, "modelHash", at=head) == model_hash(stage.model)
    config = client.call(deployment.margin_oracle, "configOf", (1,), at=head)
    signers = client.call(deployment.margin_oracle, "signersOf", (config,), at=head)
    assert {signer.lower() for signer in signers} == {
        keys.address(label).lower() for label in keys.MARGIN_KEEPERS
    }
    feeds = client.call(deployment.market_feeds, "signers", at=head)
    assert not {signer.lower() for signer in signers} & {signer.lower() for signer in feeds}
    assert client.call(deployment.listings, "listingCount", at=head) == len(listed())
    assert client.call(deployment.market_feeds, "threshold", at=head) == 2


def test_account__holds_what_it_traded(stage):
    deployment, head = stage.exchange.contracts.deployment, stage.client.head()
    legs = stage.client.call(deployment.clearinghouse, "legsOf", (ACCOUNT,), at=head)
    held = {leg["instrument"]: leg["lots"] for leg in legs}
    assert held == {instrument.pack(): lots for instrument, lots in RELATIVE_VALUE.legs}
    state = stage.client.call(deployment.clearinghouse, "accountState", (ACCOUNT,), at=head)
    assert state["cash"] + state["reserve"] == RELATIVE_VALUE.cash_usd * USD6


def test_epoch__three_keepers_agree_and_the_oracle_has_it(stage, works):
    assert len({work.digest for work in works}) == 1
    assert len({work.body for work in works}) == 1
    work = works[0]
    latest = latest_attestation(
        stage.client, stage.exchange.contracts.deployment, stage.client.head()
    )
    assert latest.epoch == work.epoch
    assert latest.margin_root == work.tree.root
    assert latest.digest == work.digest
    assert work.at.number == work.epoch * 32


def test_epoch__replayed_from_the_chain__is_equal(stage, work):
    deployment = stage.exchange.contracts.deployment
    [verdict] = replay_all(stage.client, deployment, stage.model, stage.client.head())
    assert verdict.ok, verdict.problems
    assert verdict.rebuilt_root == work.tree.root
    assert len(verdict.signers) == 2


def test_leaf__of_every_account__verifies(stage, work):
    oracle, head = stage.exchange.contracts.deployment.margin_oracle, stage.client.head()
    assert len(work.leaves) == len(FEW)
    for leaf in work.leaves:
        stage.client.call(oracle, "verifyLeaf", claim_of(work, leaf.account)[:2], at=head)


def test_withdrawal__with_its_leaf__is_accepted(stage, work):
    assert withdrawal(stage, work, claim_of(work)) is None


def test_withdrawal__without_a_leaf__is_refused(stage, work):
    revert = withdrawal(stage, work, NO_CLAIM)
    assert revert.name == "InsufficientMargin"
    account, equity, required = revert.args
    assert account == ACCOUNT
    assert leaf_of(work).initial_margin < equity < required


def test_withdrawal__with_another_leaf__is_refused(stage, work):
    other = claim_of(work, account_of(HEDGED_STRADDLE.name))
    assert withdrawal(stage, work, other).name == "LeafOfOtherAccount"


def test_withdrawal__with_a_lower_margin_in_the_leaf__is_refused(stage, work):
    leaf = leaf_of(work)
    forged = replace(leaf, initial_margin=leaf.initial_margin - 1)
    proof = work.tree.proof(leaf_hash(leaf))
    assert (
        withdrawal(stage, work, claim(forged, proof, work.base_of(ACCOUNT))).name == "InvalidProof"
    )


def test_withdrawal__with_a_leaf_of_other_positions__is_refused(stage, work):
    leaf = leaf_of(work)
    forged = replace(leaf, positions_hash=bytes(32))
    assert (
        withdrawal(stage, work, claim(forged, [], work.base_of(ACCOUNT))).name
        == "LeafOfOtherPositions"
    )


def test_market__is_the_path_at_hour_zero(work):
    table = work.snapshot.underlyings
    spots = dict(zip(table.underlying.tolist(), table.spot_e8.tolist(), strict=True))
    assert spots == {each: market.spot_e8(each, 0) for each in market.UNDERLYINGS}
