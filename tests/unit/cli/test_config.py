from pathlib import Path

import pytest

from keeper.cli.config import load_settings
from keeper.errors import ConfigError
from tests.unit.chain.fake_node import DEPLOYMENT

EXAMPLE = Path(__file__).resolve().parents[3] / "config" / "keeper.example.toml"


@pytest.fixture
def deployment(tmp_path):
    path = tmp_path / "deployment.json"
    DEPLOYMENT.save(path)
    return path


def write(tmp_path, text):
    path = tmp_path / "keeper.toml"
    path.write_text(text)
    return path


def problems(file, **overrides):
    with pytest.raises(ConfigError) as caught:
        load_settings(file, overrides)
    return str(caught.value)


def test_load__every_problem_is_told_at_once(tmp_path):
    text = problems(
        write(
            tmp_path,
            """
            rpc_ur = "http://127.0.0.1:8545"
            log_level = "loud"
            [[signers]]
            keystor = "a.json"
            password_file = "a.password"
            [liquidation]
            min_profit_usd = -1
            [intervals]
            attest = "soon"
            colour = "red"
            """,
        )
    )
    expected = [
        "keeper.toml: ",
        "rpc_url is missing: set it in the file or as KEEPER_RPC_URL",
        "rpc_ur is unknown: did you mean rpc_url?",
        "deployment_file is missing: set it in the file or as KEEPER_DEPLOYMENT_FILE",
        "log_level: Input should be 'debug', 'info', 'warning' or 'error'",
        "signers.0.keystore is missing",
        "signers.0.keystor is unknown: did you mean keystore?",
        "liquidation.min_profit_usd: Input should be greater than or equal to 0",
        "intervals.attest: Input should be a valid number",
        "intervals.colour is unknown: remove it",
    ]
    assert [part for part in expected if part not in text] == []
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rpc_url = " + "[" * 100_000, "keeper.toml: nested too deeply: flatten it"),
        ("rpc_timeout = " + "9" * 5_000, "keeper.toml: not TOML: "),
        ("rpc_url = ", "keeper.toml: not TOML: "),
    ],
    ids=["nested", "digits", "cut"],
)
def test_load__not_readable_as_toml__is_told_in_words(tmp_path, text, problem):
    assert problem in problems(write(tmp_path, text))


def test_load__signers_without_a_signing_log__is_a_problem(tmp_path, deployment):
    text = problems(
        write(
            tmp_path,
            f"""
            rpc_url = "http://127.0.0.1:8545"
            deployment_file = "{deployment}"
            [[signers]]
            keystore = "a.json"
            password_file = "a.password"
            """,
        )
    )
    assert "signing_log: name a file: a keeper that signs must remember what it signed" in text


def test_load__bad_url__is_told_without_its_value(tmp_path, deployment):
    text = problems(None, rpc_url="ftp://user:SECRET@host/KEY", deployment_file=deployment)
    assert text == "config: rpc_url: write a URL such as http://127.0.0.1:8545"


def test_load__missing_file__points_to_the_example(tmp_path):
    text = problems(tmp_path / "none.toml")
    assert text.endswith("none.toml: missing: see config/keeper.example.toml")


def test_load__not_toml__says_where(tmp_path):
    assert "not TOML" in problems(write(tmp_path, "rpc_url = \n"))


def test_load__deployment_file_missing__names_the_field(tmp_path):
    text = problems(None, rpc_url="http://h", deployment_file=tmp_path / "none.json")
    assert text == "config: deployment_file: Path does not point to a file"


def test_load__command_line_over_environment_over_file(tmp_path, deployment, monkeypatch):
    file = write(
        tmp_path,
        f"""
        rpc_url = "http://file"
        deployment_file = "{deployment}"
        log_level = "debug"
        [intervals]
        attest = 60
        """,
    )
    assert load_settings(file, {}).rpc_url == "http://file"
    monkeypatch.setenv("KEEPER_RPC_URL", "http://environment")
    monkeypatch.setenv("KEEPER_INTERVALS__SETTLE", "7")
    settings = load_settings(file, {"rpc_url": None})
    assert settings.rpc_url == "http://environment"
    assert (settings.intervals.attest, settings.intervals.settle) == (60.0, 7.0)
    assert load_settings(file, {"rpc_url": "http://line"}).rpc_url == "http://line"


def test_load__example__is_valid(tmp_path, monkeypatch, deployment):
    place = tmp_path / "config" / "deployments"
    place.mkdir(parents=True)
    deployment.rename(place / "31337.json")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(EXAMPLE, {})
    assert len(settings.signers) == 1
    assert settings.sender is not None
    assert settings.liquidation.min_profit_usd6 == 5_000_000
    commented = EXAMPLE.read_text()
    for name in ("rpc_timeout", "model_file", "max_fee_gwei"):
        assert f"# {name} = " in commented
