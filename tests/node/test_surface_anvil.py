"""A surface fitted to quotes, proposed, co-signed by files and posted on anvil; and what is not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from keeper.calibration.expiry_fit import vols
from keeper.devnet import keys, market
from keeper.pricing.svi_arbitrage import Smile
from keeper.quorum.surface_file import load, save, together
from keeper.units import WAD, YEAR_SECONDS
from tests.e2e.demo_run import run_keeper
from tests.node.publications import BASIS, SLOT, SMILE, SPOT, Publication, write_chain
from tests.node.test_demo_anvil import ANVIL, anvil

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not ANVIL.exists(), reason=f"{ANVIL} is missing: make node"),
]


@pytest.fixture(scope="module")
def publication(tmp_path_factory):
    with anvil() as url:
        publication = Publication(url, tmp_path_factory.mktemp("publication"))
        yield publication
        publication.stage.close()


@pytest.fixture(scope="module")
def signed(publication):
    """One update, signed by two of three after each has fitted a chain of his own."""
    folder = publication.folder
    chain = write_chain(folder / "one", SLOT - 20)
    other = write_chain(folder / "two", SLOT - 15, level=1.004)
    unsigned, paths = folder / "unsigned.json", [folder / "first.json", folder / "second.json"]
    run = publication.proposed(chain, unsigned)
    assert run.exit_code == 0, run.err
    assert run.document["expiries"] == 4
    assert run.document["signers"] == []
    for number, own in enumerate((chain, other)):
        run = publication.publish(number, own, "--update", unsigned, "--out", paths[number])
        assert run.exit_code == 0, run.err
        assert run.document["signers"] == [keys.address(keys.FEED_SIGNERS[number])]
    return paths


def forged(file):
    """The same signatures under another smile."""
    first, second, *others = file.update.quotes
    quotes = (first, replace(second, a=0), *others)
    return replace(file, source="forged", update=replace(file.update, quotes=quotes))


def test_sign__own_chain_tells_other_vols__refused(publication, signed):
    """The tampered quote: the same command on honest quotes signs (fixture)."""
    chain = write_chain(publication.folder / "tampered", SLOT - 10, level=1.2)
    unsigned, out = publication.folder / "unsigned.json", publication.folder / "none.json"
    run = publication.publish(2, chain, "--update", unsigned, "--out", out)
    assert run.exit_code == 73
    assert "vol lies 0.18" in run.err
    assert not out.exists()


def test_sign__perpetual_of_the_proposers_fancy_or_time_to_come__refused(publication, signed):
    """Both differ from what was signed (fixture) by that alone."""
    chain, folder = publication.folder / "one", publication.folder
    own, out = next(chain.iterdir()), folder / "none.json"
    for wrong, said in (
        ({"perpetual": "1.05"}, "expiry 0: ratio lies 0.0488"),
        ({"time": SLOT + 3_600}, "s after the newest block"),
    ):
        unsigned = folder / "wrong.json"
        run = publication.proposed(own, unsigned, **wrong)
        assert run.exit_code == 0, run.err
        run = publication.publish(1, own, "--update", unsigned, "--out", out)
        assert run.exit_code == 73
        assert said in run.err
        assert not out.exists()


def test_post__one_signature__no_quorum(publication, signed):
    run = publication.publish(2, "--update", signed[0], "--post")
    assert run.exit_code == 75
    assert "1 of 2 needed" in run.err


def test_post__quote_changed_after_signing__no_quorum(publication, signed):
    body = json.loads(signed[0].read_text())
    body["quotes"][1]["a"] = str(int(body["quotes"][1]["a"]) + WAD // 100)
    changed = publication.folder / "changed.json"
    changed.write_text(json.dumps(body))
    run = publication.publish(2, "--update", changed, "--post")
    assert run.exit_code == 65
    assert "one of them was changed" in run.err
    # With the digest made to fit, no signature is of it.
    save(forged(load(signed[0])), changed)
    run = publication.publish(2, "--update", changed, "--post")
    assert run.exit_code == 75


def test_post__two_signatures__is_the_mark(publication, signed):
    publication.at(SLOT)
    # The contract by itself refuses other quotes under these signatures.
    file = together([load(path) for path in signed])
    state = publication.stage
    feeds = state.exchange.contracts.deployment.market_feeds
    quorum = file.quorum([s.signer for s in file.signatures], 2)
    refused, taken = (
        state.client.simulate(
            feeds, "updateSurface", one.arguments(quorum), sender=keys.address(keys.DEPLOYER)
        )
        for one in (forged(file), file)
    )
    assert refused is not None
    assert taken is None
    run = publication.publish(2, "--update", signed[0], "--update", signed[1], "--post")
    assert run.exit_code == 0, run.err
    assert run.document["transaction"].startswith("0x")
    for expiry in market.EXPIRIES:
        years = (expiry - SLOT) / YEAR_SECONDS
        mark = publication.mark(expiry)
        smile = Smile(*(mark[name] / WAD for name in ("a", "b", "rho", "m", "sigma")))
        k = np.linspace(-2, 2, 9) * 0.53 * np.sqrt(years)
        assert vols(smile, k) == pytest.approx(vols(SMILE, k), abs=2e-3)
        near = SPOT * np.exp(BASIS * (market.EXPIRIES[0] - SLOT) / YEAR_SECONDS)
        ratio = SPOT * np.exp(BASIS * years) / near
        assert mark["ratio"] / WAD == pytest.approx(ratio, abs=1e-6)
    assert publication.mark(0)["ratio"] == 1_000_100_000_000_000_000


def test_show__what_is_published(publication):
    run = run_keeper("surface", "show", "BTC", "--config", str(publication.settings[0]), "--json")
    assert run.exit_code == 0, run.err
    assert [quote["expiry"] for quote in run.document["quotes"]] == [0, *market.EXPIRIES]
    assert run.document["threshold"] == 2
