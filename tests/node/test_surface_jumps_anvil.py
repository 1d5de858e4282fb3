"""Jumps beyond the speed limits of MarketFeeds: refused by each verb, and by the contract itself.

The limits are those of the shipped model; the demo's own let everything pass.
"""

import pytest

from keeper.calibration.surface import fit_surface
from keeper.devnet import deployment, keys, market
from keeper.quorum.speed_limit import excesses
from keeper.quorum.surface_file import load, save
from keeper.quorum.surface_quotes import quotes_of
from keeper.sources.chain_files import read_chain
from keeper.units import WAD
from tests.node.publications import SLOT, Publication, write_chain
from tests.node.test_demo_anvil import ANVIL, anvil

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not ANVIL.exists(), reason=f"{ANVIL} is missing: make node"),
]

LATER = SLOT + 600
# vol at 30 days up and down, the most of ln vol, and the ratio: a mark moves by a third of each.
LIMITS = (WAD * 30 // 100, WAD * 18 // 100, WAD * 12 // 10, WAD * 92 // 1000)
SAID = "beyond the speed limit of MarketFeeds"


@pytest.fixture(scope="module")
def publication(tmp_path_factory):
    """Feeds with the model's limits, and a first surface that is their mark."""
    with anvil() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "SPEED_LIMITS", LIMITS)
        publication = Publication(url, tmp_path_factory.mktemp("jumps"))
        folder = publication.folder
        chain, update = write_chain(folder / "first", SLOT - 20), folder / "first.json"
        assert publication.proposed(chain, update).exit_code == 0
        signed = [signed_by(publication, n, chain, update) for n in (0, 1)]
        publication.at(SLOT)
        assert posted(publication, signed).exit_code == 0
        yield publication
        publication.stage.close()


def signed_by(publication, number, chain, update):
    out = update.with_suffix(f".{number}")
    run = publication.publish(number, chain, "--update", update, "--out", out)
    assert run.exit_code == 0, run.err
    return out


def posted(publication, files):
    options = [part for file in files for part in ("--update", file)]
    return publication.publish(2, *options, "--post")


def chain_at(publication, level):
    return write_chain(publication.folder / f"level {level}", LATER - 20, level)


def smuggled(publication, chain, template):
    """The chain's quotes in an update that no verb has looked at."""
    file = load(template)
    live = [quote.expiry for quote in file.update.quotes]
    surface = fit_surface(read_chain(chain).chain)
    quotes = quotes_of(surface, market.BTC, live, LATER, file.update.quotes[0].ratio)
    assert excesses(file.update.quotes, quotes, limits(publication), LATER, divisor=1)
    update = type(file.update)(market.BTC, LATER, quotes)
    return type(file)(file.chain_id, file.feeds, "smuggled", update)


def limits(publication):
    from keeper.chain.feeds import feed_state

    state = publication.stage
    feeds = state.exchange.contracts.deployment.market_feeds
    return feed_state(state.client, feeds, market.BTC, state.client.head()).limits


def test_propose__a_step_within_the_limit__is_written(publication):
    """The control: the same command with a small move."""
    out = publication.folder / "step.json"
    run = publication.proposed(chain_at(publication, 1.02), out, LATER)
    assert run.exit_code == 0, run.err
    assert out.exists()


@pytest.mark.parametrize(("level", "limit"), [(1.9, "volUp"), (0.6, "volDown")])
def test_propose__jump__refused_and_the_limit_named(publication, level, limit):
    out = publication.folder / f"jump {level}.json"
    run = publication.proposed(chain_at(publication, level), out, LATER)
    assert run.exit_code == 73
    assert SAID in run.err
    assert f": {limit}: moved" in run.err
    assert not out.exists()


def test_sign_and_post__jump_that_the_proposer_let_pass__refused_by_both(publication):
    chain = chain_at(publication, 3.0)
    jump, out = publication.folder / "smuggled.json", publication.folder / "never.json"
    file = smuggled(publication, chain, publication.folder / "first.json")
    save(file, jump)
    run = publication.publish(1, chain, "--update", jump, "--out", out)
    assert run.exit_code == 73
    assert SAID in run.err
    assert not out.exists()
    # Two signers whose verbs were bent sign all the same: the one who posts refuses.
    for label in keys.FEED_SIGNERS[:2]:
        file = file.signed_by(keys.signer(label, file.chain_id))
    save(file, jump)
    run = posted(publication, [jump])
    assert run.exit_code == 73
    assert SAID in run.err


def test_contract__jump_beyond_the_whole_shock__refused_with_a_quorum(publication):
    state = publication.stage
    feeds = state.exchange.contracts.deployment.market_feeds
    file = smuggled(publication, chain_at(publication, 3.0), publication.folder / "first.json")
    step = load(publication.folder / "step.json")
    publication.at(LATER)
    answers = []
    for one in (file, step):
        for label in keys.FEED_SIGNERS[:2]:
            one = one.signed_by(keys.signer(label, one.chain_id))
        quorum = one.quorum([s.signer for s in one.signatures], 2)
        answers.append(
            state.client.simulate(
                feeds, "updateSurface", one.arguments(quorum), sender=keys.address(keys.DEPLOYER)
            )
        )
    refused, taken = answers
    assert refused.name == "BeyondShock"
    assert taken is None
