import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keeper.backtest.books.all_archetypes import GROUPS, TYPES
from keeper.backtest.chains import judge
from keeper.backtest.efficiency import EXEMPT, LEAST_C99
from keeper.backtest.pool import Pool
from keeper.cli.app import main
from tests.unit.backtest.synthetic import SPOT, START, chain, expiries, write_chain

DATA = Path(__file__).parents[4] / "shared/data/deribit_chains"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the reference chains are not there")
SIX_HOURS = 6 * 3600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("chains")
    terms = [expiries()[n] for n in (0, 1, 2, 6, 13, 27)] + expiries()[-2:]
    for n in range(10):
        spot = {number: price * (1.0 + 0.004 * (n % 3 - 1)) for number, price in SPOT.items()}
        write_chain(place, chain(START + n * SIX_HOURS, spot, terms))
    return place


def run(folder, *options):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["backtest", "chains", str(folder), "--copies", "1", "--json", *options])


def test_chains_verb__processes__make_no_difference_to_a_byte(folder, capsys, tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    run(folder, "--processes", "1", "--report", str(pages[0]))
    one = capsys.readouterr().out
    run(folder, "--processes", "2", "--report", str(pages[1]))
    assert capsys.readouterr().out == one
    assert pages[0].read_bytes() == pages[1].read_bytes()
    found = json.loads(one)
    assert found["sample"]["chains"] == 10
    assert found["sample"]["windows"]["6 h"] > found["sample"]["windows"]["24 h"] > 500
    verdict = found["verdict"]
    points = verdict["point_3"], verdict["point_4"], verdict["point_5"]
    assert found["passed"] is verdict["passed"] is all(points)
    assert [group["name"] for group in verdict["groups"]] == list(GROUPS)
    page = pages[0].read_text("utf-8")
    assert page.count("<svg") == 6
    assert "http-equiv" not in page
    assert 'src="' not in page
    assert not [word for word in page.split('"') if word.startswith("//")]
    assert "https:" not in page
    assert {link[0] for link in re.findall(r'href="([^"]+)', page)} <= {"#", "d"}  # ids, data:


def test_chains_verb__too_few__is_refused(tmp_path, capsys):
    write_chain(tmp_path, chain())
    assert main(["backtest", "chains", str(tmp_path)]) == 65
    assert "give at least 8" in capsys.readouterr().err
    assert main(["backtest", "chains", str(tmp_path), "--report", "x.pdf"]) == 65
    assert main(["backtest", "chains", str(tmp_path), "--report", str(tmp_path / "a/x.html")]) == 65
    assert "there is no folder" in capsys.readouterr().err


def pool(ratio, share_of_sm=0.1):
    """Every type at 352 moments, losses so large a part of margin [types] or [moments, types]."""
    moments = 352
    kinds = np.tile(np.arange(len(TYPES)), moments)
    count = len(kinds)
    of_kind = np.array([GROUPS.index(kind.group) for kind in TYPES])
    ones = np.ones(count)
    losses = np.broadcast_to(ratio, (moments, len(TYPES))).ravel()
    return Pool(
        times=START + SIX_HOURS * np.arange(moments),
        moment=np.repeat(np.arange(moments), len(TYPES)),
        kind=kinds,
        group=of_kind[kinds],
        gross=10.0 * ones,
        required=ones,
        maintenance=ones,
        initial=1.3 * ones,
        standard=ones / share_of_sm,
        naive=0.4 * ones,
        pmrm2=2.0 * ones,
        losses=np.stack([0.3 * losses, losses]),
        quoted_losses=np.stack([0.3 * losses, losses]),
        sentinels=0,
        unvalued=(0, 0),
    )


def test_judge__margins_that_fit__pass_and_sabotage_is_seen():
    # One window in 40 has a loss of 0.9 of the margin, else 0.6: right, and not twice too large.
    ratio = np.where(np.arange(352)[:, None] % 40 == 0, 0.9, 0.6)
    found = judge(pool(ratio), 1, 1.0)
    assert found.passed
    assert found.amber == ()
    half, _, twice = found.sabotage
    assert half.met
    assert half.rate == len(GROUPS)
    assert twice.met
    assert twice.inefficient == len([c for c in LEAST_C99.values() if c == 0.5])
    assert EXEMPT.startswith("short wings")


def test_judge__scale__is_sabotage_meant():
    ratio = np.full((352, 1), 0.6)
    assert judge(pool(ratio), 1, 1.0).passed
    half = judge(pool(ratio), 1, 0.5)
    assert half.failing == GROUPS
    assert not half.point_3
    twice = judge(pool(ratio), 1, 2.0)
    assert twice.point_3
    assert not twice.point_5
    assert "linear" in twice.efficiency.c99_below


def test_judge__six_hours__fail_alone():
    right = pool(np.full((352, 1), 0.6))
    losses = right.losses.copy()
    own = right.group == 3
    losses[0, own & (right.moment % 100 == 0)] = 1.1
    found = judge(replace(right, losses=losses), 1, 1.0)
    assert found.point_3
    assert found.failing_short == (GROUPS[3],)
    assert not found.passed


def without(right, horizon, rows):
    losses = right.losses.copy()
    losses[horizon, rows] = np.nan
    return replace(right, losses=losses)


def test_judge__no_window_at_all__is_no_evidence_and_does_not_pass():
    right = pool(np.full((352, 1), 0.6))
    assert judge(right, 1, 1.0).passed
    found = judge(without(without(right, 0, slice(None)), 1, slice(None)), 1, 1.0)
    assert found.unjudged == found.unjudged_short == GROUPS
    assert (found.point_3, found.point_4, found.point_5, found.passed) == (False,) * 4
    assert not any(wrong.met for wrong in found.sabotage)


def test_judge__one_group_without_windows__is_named_and_not_excused():
    right = pool(np.full((352, 1), 0.6))
    long, short = (judge(without(right, at, right.group == 3), 1, 1.0) for at in (1, 0))
    assert (long.unjudged, short.unjudged_short) == ((GROUPS[3],), (GROUPS[3],))
    assert (long.point_3, long.point_4, long.point_5) == (False, True, False)
    assert (short.point_3, short.point_4, short.point_5) == (True, False, True)
    assert (long.passed, short.passed) == (False, False)


def test_judge__dearer_than_pmrm2_or_without_discount__fails_point_5():
    ratio = np.full((352, 1), 0.6)
    dear = judge(replace(pool(ratio), pmrm2=np.ones(352 * len(TYPES))), 1, 1.0)
    assert not dear.point_5
    poor = judge(pool(ratio, share_of_sm=0.9), 1, 1.0)
    assert "covered m" in poor.efficiency.discount_below
    assert "linear" not in poor.efficiency.discount_below


@needs_data
def test_chains_verb__first_reference_chains__are_read_and_judged(tmp_path, capsys):
    for file in sorted(DATA.iterdir())[:8]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run(tmp_path, "--processes", "1")
    found = json.loads(capsys.readouterr().out)
    assert found["sample"]["chains"] == 8
    assert {"fitted"} <= found["sample"]["smiles"].keys()
