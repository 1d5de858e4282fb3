"""The pictures are those of the run that they are said to be of, one a plot, where they belong."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from keeper.cli.backtest_plots import PLOTS
from keeper.errors import InputError
from scripts import draw_backtest
from scripts.draw_backtest import DOCS, drawn, reported
from tests.unit.backtest.synthetic import SPOT, START, chain, expiries, write_chain

SIX_HOURS = 6 * 3600
CHAINS = 9
NAMES = [f"backtest-{number}.png" for number in range(1, 7)]
INCHES = [8.5, 7.5, 7.5, 8.0, 5.5, 4.5]  # of each plot's height, all 11 wide


@pytest.fixture(scope="module", autouse=True)
def one_book_of_a_type():
    """One process too: what is drawn depends on neither."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(draw_backtest, "COPIES", 1)
        patched.setattr(draw_backtest.os, "cpu_count", lambda: 1)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("chains")
    terms = [expiries()[n] for n in (1, 2, 6, 27)]
    for n in range(CHAINS):
        spot = {number: price * (1 + 0.004 * (n % 3)) for number, price in SPOT.items()}
        write_chain(place, chain(START + n * SIX_HOURS, spot, terms))
    (place / "20260101T093000Z.csv").write_text("no,chain\n")
    return place


@pytest.fixture(scope="module")
def report(folder):
    return reported(folder, 2)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["draw_backtest", *map(str, arguments)])
    draw_backtest.main()


def pictures(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_reported__folder__sound_chains_and_margins_as_they_stand(report, folder):
    sample, verdict = report.result.sample, report.result.verdict
    assert (sample.source, sample.chains, sample.seed) == (folder.name, CHAINS, 2)
    assert (sample.first_time, sample.last_time) == (START, START + 8 * SIX_HOURS)
    assert verdict.scale == 1.0
    # A long perpetual of each coin at each moment, and what it lost in 24 hours, by hand.
    spots = 1 + 0.004 * (np.arange(CHAINS) % 3)
    lost = -(spots[4:] / spots[:-4] - 1)
    long = (report.pool.kind == 0) & np.isfinite(report.pool.losses[1])
    found = report.pool.losses[1, long] / report.pool.gross[long]
    assert sorted(found) == pytest.approx(sorted([*lost, *lost]), abs=1e-3)


def test_drawn__every_plot__has_a_picture_of_its_size(report, tmp_path):
    lines = drawn(report, tmp_path)
    assert lines == [f"{name}: {plot.title}" for name, plot in zip(NAMES, PLOTS, strict=True)]
    assert sorted(pictures(tmp_path)) == NAMES
    for name, inches in zip(NAMES, INCHES, strict=True):
        assert imread(tmp_path / name).shape[:2] == (80 * inches, 80 * 11)


def test_drawn__each__shows_its_own_plot(report, tmp_path):
    drawn(report, tmp_path)
    for name, plot in zip(NAMES, PLOTS, strict=True):
        figure = plot.draw(report)
        figure.set_dpi(80)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        shown = np.asarray(canvas.buffer_rgba())
        assert shown[:, :, :3].std() > 5, "a blank page shows nothing"
        assert np.array_equal(np.round(255 * imread(tmp_path / name)), shown)


def test_drawn__same_report__same_bytes(report, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for place in (one, two):
        place.mkdir()
        drawn(report, place)
    assert pictures(one) == pictures(two)
    assert len({*pictures(one).values()}) == len(NAMES)


def test_drawn__no_folder__is_refused(report, tmp_path):
    with pytest.raises(InputError, match=r"picture .*absent.backtest-1\.png: No such file"):
        drawn(report, tmp_path / "absent")


def test_main__folder_and_seed__draws_that_run_and_names_it(
    monkeypatch, capsys, folder, report, tmp_path
):
    theirs, ours, other = tmp_path / "theirs", tmp_path / "ours", tmp_path / "other"
    for place in (theirs, ours, other):
        place.mkdir()
    drawn(report, theirs)
    run(monkeypatch, folder, "--seed", "2", "--out", ours)
    assert capsys.readouterr().out.splitlines()[0] == f"{NAMES[0]}: {PLOTS[0].title}"
    assert pictures(ours) == pictures(theirs)
    run(monkeypatch, folder, "--out", other)
    assert pictures(other) != pictures(theirs)


def test_main__too_few_chains__ends_with_the_errors_code(monkeypatch, capsys, tmp_path):
    write_chain(tmp_path, chain())
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, tmp_path, "--out", tmp_path)
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert "error: 1 chains: give at least 8" in streams.err
    assert not list(tmp_path.glob("*.png"))


def test_docs__pictures__are_those_that_the_page_shows():
    page = (DOCS / "backtest.md").read_text("utf-8")
    assert sorted(path.name for path in DOCS.glob("backtest-*.png")) == NAMES
    assert all(f"({name})" in page for name in NAMES)
