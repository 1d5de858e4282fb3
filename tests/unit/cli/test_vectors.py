"""`keeper vectors` on a folder: its summary, its exit codes, and each bad input in one line."""

from __future__ import annotations

import json

import pytest

from keeper.cli.app import main
from tests.unit.margin.models.pmrm2_cases import document


@pytest.fixture
def folder(tmp_path):
    """Two cases that agree, and a file that is none."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(document()))
    (tmp_path / "README.md").write_text("not a case")
    return tmp_path


def tamper(folder):
    case = document()
    case["Result"]["IM"] += 1e-6
    (folder / "two.json").write_text(json.dumps(case))


def run(capsys, folder, *options, model="pmrm2"):
    try:
        code = main(["vectors", "--model", model, str(folder), *options])
    except SystemExit as done:  # how typer ends a verb that succeeds
        code = done.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_vectors__all_agree__summary_as_json(capsys, folder):
    code, out, err = run(capsys, folder, "--json")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert summary.keys() == {"cases", "failed", "max_rel_error"}
    assert (summary["cases"], summary["failed"]) == (2, [])
    assert summary["max_rel_error"].keys() == {"scenario", "im", "mm"}
    assert all(0 <= error < 1e-14 for error in summary["max_rel_error"].values())


def test_vectors__all_agree__summary_as_text(capsys, folder):
    code, out, _ = run(capsys, folder)
    assert code == 0
    assert out.startswith("2 of 2 cases agree")


def test_vectors__tampered_case__exit_code_3_after_the_summary(capsys, folder):
    tamper(folder)
    code, out, err = run(capsys, folder, "--json")
    assert code == 3
    summary = json.loads(out)
    assert summary["failed"] == ["two"]
    assert summary["max_rel_error"]["im"] == pytest.approx(1e-6 / 109, rel=1e-6)
    assert err == "error: 1 of 2 cases: two\n"


def test_vectors__tampered_case__named_in_the_text(capsys, folder):
    tamper(folder)
    code, out, _ = run(capsys, folder)
    assert code == 3
    assert "two" in out
    assert "1 of 2 cases agree" in out


def fails(capsys, folder, code, **options):
    found, out, err = run(capsys, folder, "--json", **options)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_vectors__unknown_model__names_the_known_ones(capsys, folder):
    assert "'span' is unknown: write one of pmrm2" in fails(capsys, folder, 78, model="span")


def test_vectors__missing_folder__bad_input(capsys, tmp_path):
    assert "is missing: name a folder" in fails(capsys, tmp_path / "nowhere", 65)


def test_vectors__file_for_a_folder__bad_input(capsys, folder):
    assert "is a file: name a folder" in fails(capsys, folder / "one.json", 65)


def test_vectors__folder_without_cases__bad_input(capsys, tmp_path):
    assert "has no .json file" in fails(capsys, tmp_path, 65)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_vectors__not_json__names_the_file(capsys, folder, content):
    (folder / "two.json").write_bytes(content)
    err = fails(capsys, folder, 65)
    assert "two.json: not JSON" in err


def test_vectors__nested_beyond_reason__refused_before_the_stack_overflows(capsys, folder):
    (folder / "two.json").write_text("[" * 100_000)
    assert "two.json: nested deeper than 32" in fails(capsys, folder, 65)


def test_vectors__case_that_cannot_be_read__names_file_field_and_value(capsys, folder):
    case = document()
    case["Scenario"]["OptionFeeds"][0]["Forward"] = float("nan")
    (folder / "two.json").write_text(json.dumps(case))
    err = fails(capsys, folder, 65)
    assert "two.json: Scenario.OptionFeeds[0].Forward is nan: write a finite number" in err
