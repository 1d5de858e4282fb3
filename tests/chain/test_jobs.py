"""The jobs and the replay against the contracts themselves, on the embedded chain."""

from dataclasses import replace

import pytest

from keeper.audit.account import inspect_account
from keeper.audit.replay import replay_all
from keeper.devnet import keys
from keeper.devnet.actors import ACTORS, DEALERS, OVER_LEVERED
from keeper.devnet.demo import post_market
from keeper.devnet.exchange import account_of
from keeper.devnet.wallet import Wallet
from keeper.errors import ConfigError, QuorumNotReached
from keeper.jobs.attest import build_epoch, measure_epoch, seal_epoch, sign_epoch, submit_epoch
from keeper.jobs.liquidate import find_breaches, flag_breaches
from tests.chain.stages import opened

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Three actors with positions, three keepers, at the eve's close."""
    built = opened(tmp_path_factory.mktemp("stage"), (*DEALERS, *ACTORS[:4]))
    yield built
    built.close()


@pytest.fixture(scope="module")
def attested(stage):
    """The first epoch after the trades, posted with two signatures."""
    chain, client = stage.chain, stage.client
    epoch = client.head().number // 32 + 1
    chain.mine(epoch * 32 - client.head().number + 1)
    works = [build_epoch(keeper, epoch) for keeper in stage.keepers]
    signed = [
        sign_epoch(keeper, work)[0] for keeper, work in zip(stage.keepers, works, strict=True)
    ]
    with pytest.raises(QuorumNotReached):
        submit_epoch(stage.keepers[0], works[0], signed[:1])
    outcome = submit_epoch(stage.keepers[0], works[0], signed)
    return works, signed, outcome


def test_three_keepers__same_digest__accepted_once(stage, attested):
    works, signed, outcome = attested
    assert len({work.digest for work in works}) == 1
    assert outcome is not None
    assert outcome.gas_used < 130_000
    assert submit_epoch(stage.keepers[1], works[1], signed) is None


def test_epoch__another_model_from_the_next_on__is_not_signed_but_this_one_is(stage, attested):
    works, _, _ = attested
    keeper, other = stage.keepers[0], bytes([7]) * 32
    oracle = keeper.deployment.margin_oracle
    owner = Wallet(stage.client, keys.signer(keys.DEPLOYER, stage.client.chain_id))
    owner.send(oracle, "scheduleModel", other, works[0].epoch + 2)
    assert seal_epoch(keeper, measure_epoch(keeper, works[0].epoch)).digest == works[0].digest
    margins = replace(measure_epoch(keeper, works[0].epoch), epoch=works[0].epoch + 2)
    margins = replace(margins, at=stage.client.head())
    with pytest.raises(ConfigError, match=rf"epoch {margins.epoch} under 0x{other.hex()}"):
        seal_epoch(keeper, margins)
    owner.send(oracle, "scheduleModel", margins.snapshot.head.model_hash, works[0].epoch + 2)


def test_replay__from_chain_data_alone__is_equal_to_the_byte(stage, attested):
    works, _, _ = attested
    deployment = stage.exchange.contracts.deployment
    [verdict] = replay_all(stage.client, deployment, stage.model, stage.client.head())
    assert verdict.problems == ()
    assert verdict.rebuilt_root == works[0].tree.root
    assert verdict.rebuilt_bundle == works[0].bundle_hash
    assert len(verdict.signers) == 2


def test_inspect__both_sides__differ_by_no_more_than_a_micro_dollar_a_lot(stage, attested):
    works, _, _ = attested
    deployment = stage.exchange.contracts.deployment
    for actor in ACTORS[:4]:
        account = account_of(actor.name)
        report = inspect_account(stage.client, deployment, stage.model, account, works[0].at)
        lots = sum(abs(leg.lots) for leg in report.legs)
        for name, difference in report.difference_usd6.items():
            # The grid's initial margin has the six add-ons, each rounded a lot.
            rounding = 8 if name == "grid_initial_usd6" else 2
            assert abs(difference) <= rounding * lots + 2, (actor.name, name)


def test_breaches__after_the_gap__are_flagged_and_found_no_more(stage, attested):
    assert find_breaches(stage.liquidator) == ()
    post_market(stage, 11)
    breaches = find_breaches(stage.liquidator)
    assert account_of(OVER_LEVERED.name) in [breach.account for breach in breaches]
    actions = flag_breaches(stage.liquidator, breaches)
    assert [action.error for action in actions] == [""] * len(breaches)
    assert find_breaches(stage.liquidator) == ()
