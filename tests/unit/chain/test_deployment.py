import json

import pytest

from keeper.chain.deployment import Deployment
from keeper.errors import ConfigError
from tests.unit.chain.fake_node import DEPLOYMENT, NAMES


def written(path, **changes):
    DEPLOYMENT.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_save__then_load__is_the_same(tmp_path):
    path = tmp_path / "deployments" / "31337.json"
    DEPLOYMENT.save(path)
    assert Deployment.load(path) == DEPLOYMENT
    assert [contract.name for contract in DEPLOYMENT.contracts()] == list(NAMES)


def test_of__lower_case__is_checksummed():
    address = "0xd8da6bf26964af9d7eed9e03e53415d37aa96045"
    deployment = Deployment.of(1, 0, dict.fromkeys(NAMES, address))
    assert deployment.usd_coin.address == "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


def test_load__missing_file__names_it(tmp_path):
    with pytest.raises(ConfigError, match=r"deployment file .*none.json: No such file"):
        Deployment.load(tmp_path / "none.json")


def test_load__several_problems__are_all_told(tmp_path):
    addresses = dict.fromkeys(NAMES, "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045")
    addresses |= {"RiskEngine": "0xd8da6BF26964aF9D7eEd9e03E53415D37aA96045", "MarginLens": "0x12"}
    del addresses["UsdCoin"]
    path = written(tmp_path / "d.json", chainId=-1, contracts=addresses, colour="red")
    with pytest.raises(ConfigError) as caught:
        Deployment.load(path)
    text = str(caught.value)
    for part in ("chainId", "colour", "contracts.UsdCoin", "wrong checksum", "'0x12' is not an"):
        assert part in text


def test_load__not_json__is_a_config_error(tmp_path):
    path = tmp_path / "d.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match="deployment file"):
        Deployment.load(path)
