"""The deployment script on anvil: dry by default, handed over, and every tampering named."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils import keccak
from web3 import HTTPProvider, Web3

from keeper.chain.abi import encode_call
from keeper.chain.artifacts import Artifacts
from keeper.chain.client import ChainClient
from keeper.chain.deployment import Deployment
from keeper.devnet import keys
from keeper.devnet.deployment import create
from keeper.devnet.wallet import Wallet
from tests.node.test_demo_anvil import ANVIL, anvil

ROOT = Path(__file__).parents[2]
ETHER = 10**18
PRICES = {"BTC": 60_000 * 10**8, "ETH": 3_000 * 10**8}

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not ANVIL.exists(), reason=f"{ANVIL} is missing: make node"),
]


@pytest.fixture(scope="module")
def url():
    with anvil() as url:
        yield url


@pytest.fixture(scope="module")
def rpc(url):
    provider = HTTPProvider(url)

    def request(method, *parameters):
        answer = provider.make_request(method, list(parameters))
        assert "error" not in answer, answer
        return answer["result"]

    return request


@pytest.fixture(scope="module")
def client(url):
    return ChainClient.connect(url, Artifacts.load())


@pytest.fixture(scope="module")
def terms(client, rpc, tmp_path_factory):
    """A terms file for what stands on the node: a dollar, two aggregators, a token."""
    rpc("anvil_setBalance", keys.address(keys.DEPLOYER), hex(100 * ETHER))
    wallet = Wallet(client, keys.signer(keys.DEPLOYER, client.chain_id))
    feeds = {}
    for symbol, price in PRICES.items():
        feeds[symbol] = create(wallet, "PriceFeedMock", 8, f"{symbol} / USD")
        wallet.send(feeds[symbol], "post", price)
    dollar = create(wallet, "PriceFeedMock", 8, "USDC / USD")
    wallet.send(dollar, "post", 10**8)
    token = create(wallet, "TokenMock", "Bitcoin", "BTC", 8)
    margin = [keys.address(label) for label in keys.MARGIN_KEEPERS]
    signers = [keys.address(label) for label in keys.FEED_SIGNERS]
    text = f"""
guardian = "{keys.address("guardian")}"
usd_coin = "{create(wallet, "UsdCoin").address}"
block_hash_source = "BlockhashSource"
epoch_blocks = 32
max_block_age = 128
discount_per_day_usd6 = 1_000_000_000_000
max_discount_per_day_usd6 = 10_000_000_000_000
gas_underlying = 2

[timelock]
delay_seconds = 604_800
proposers = ["{keys.address("council")}"]

[margin]
signers = {json.dumps(margin)}
threshold = 2

[feeds]
signers = {json.dumps(signers)}
threshold = 2

[coin]
feed = "{dollar.address}"
max_age_seconds = 86_400

[underlyings.BTC]
aggregator = "{feeds["BTC"].address}"
max_age_seconds = 3_600
open_interest_cap_lots = 1_000_000_000
token = "{token.address}"

[underlyings.ETH]
aggregator = "{feeds["ETH"].address}"
max_age_seconds = 3_600
open_interest_cap_lots = 1_000_000_000
"""
    path = tmp_path_factory.mktemp("deploy") / "terms.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def script(url, terms):
    def run(*arguments):
        command = [sys.executable, "-m", "scripts.deploy", str(terms), "--rpc", url, *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def deployed(script, terms):
    files = keys.write_keystore(keys.DEPLOYER, terms.parent)
    path = terms.parent / "deployment.json"
    key = ("--keystore", str(files.keystore), "--password-file", str(files.password_file))
    run = script("--send", *key, "--out", str(path))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "verified: " in run.stdout
    return path


@pytest.fixture
def reverted(rpc):
    """Whatever a test does to the chain is undone."""
    snapshot = rpc("evm_snapshot")
    yield
    rpc("evm_revert", snapshot)


def test_deploy__without_send__sends_nothing(script, client):
    before = client.head().number
    run = script()
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("dry run on chain 31337")
    assert client.head().number == before


def test_verify__as_deployed__nothing_differs(script, deployed):
    run = script("--verify", str(deployed))
    assert run.returncode == 0, run.stdout + run.stderr


def test_deploy__the_deployer_owns_nothing_any_more(client, deployed):
    wallet = Wallet(client, keys.signer(keys.DEPLOYER, client.chain_id))
    with pytest.raises(Exception, match="OwnableUnauthorizedAccount"):
        wallet.send(Deployment.load(deployed).guard, "setGuardian", wallet.address)


def refused(script, deployed):
    run = script("--verify", str(deployed))
    assert run.returncode != 0, run.stdout
    return run.stdout


@pytest.mark.usefixtures("reverted")
def test_verify__one_byte_of_code_changed__names_the_contract(script, deployed, client, rpc):
    treasury = Deployment.load(deployed).treasury
    code = bytearray(client.code(treasury, client.head()))
    code[len(code) // 2] ^= 1
    rpc("anvil_setCode", treasury.address, "0x" + code.hex())
    assert "WrongCodeOrConnection" in (text := refused(script, deployed))
    assert "is not that of Treasury" in text


@pytest.mark.usefixtures("reverted")
def test_verify__another_guardian_and_owner__are_named(script, deployed, client, rpc):
    deployment = Deployment.load(deployed)
    timelock = client.call(deployment.guard, "owner", at=client.head())
    rpc("anvil_setBalance", timelock, hex(ETHER))
    rpc("anvil_impersonateAccount", timelock)
    stranger = keys.address("stranger")
    for contract, function in (
        (deployment.guard, "setGuardian"),
        (deployment.spot_feeds, "transferOwnership"),
    ):
        data = encode_call(client.artifacts.abi(contract.name), function, (stranger,))
        call = {"from": timelock, "to": contract.address, "data": "0x" + bytes(data).hex()}
        rpc("eth_sendTransaction", call)
    text = refused(script, deployed)
    assert f"WrongGuardian Guard guardian(): expected {keys.address('guardian').lower()}" in text
    assert "OwnershipOffered SpotFeeds pendingOwner()" in text
    assert "2 differences" not in text  # counted on stderr, as an error of its own


@pytest.mark.usefixtures("reverted")
def test_verify__a_role_too_many_and_another_delay__are_named(script, deployed, client, rpc):
    deployment = Deployment.load(deployed)
    timelock = client.call(deployment.guard, "owner", at=client.head())
    rpc("anvil_setBalance", timelock, hex(ETHER))
    rpc("anvil_impersonateAccount", timelock)
    abi, stranger = client.artifacts.abi("Timelock"), keys.address("stranger")
    for function, arguments in (
        ("grantRole", (keccak(text="PROPOSER_ROLE"), stranger)),
        ("updateDelay", (6 * 86_400,)),
    ):
        data = "0x" + bytes(encode_call(abi, function, arguments)).hex()
        rpc("eth_sendTransaction", {"from": timelock, "to": timelock, "data": data})
    text = refused(script, deployed)
    assert f"WrongRole Timelock PROPOSER_ROLE of {stranger}: expected False, found True" in text
    assert "WrongDelay Timelock getMinDelay(): expected 604800, found 518400" in text


@pytest.mark.parametrize(
    ("written", "other", "named"),
    [
        ("max_age_seconds = 3_600", "max_age_seconds = 3_601",
         "SpotFeeds maxAgeOf(1): expected 3601, found 3600"),
        ("max_age_seconds = 86_400", "max_age_seconds = 3_600", "InitialAddOns coinFeed()"),
        ("\ndiscount_per_day_usd6 = 1_000", "\ndiscount_per_day_usd6 = 1_001",
         "MarginOracle discountBudget(): expected 1001000000000, found 1000000000000"),
    ],
)  # fmt: skip
def test_verify__other_terms_than_deployed__are_named(
    url, terms, deployed, tmp_path, written, other, named
):
    assert written in terms.read_text()
    path = tmp_path / "terms.toml"
    path.write_text(terms.read_text().replace(written, other, 1))
    command = [sys.executable, "-m", "scripts.deploy", str(path), "--rpc", url]
    command += ["--verify", str(deployed)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert f"WrongParameter {named}" in run.stdout
    assert run.stdout.count("WrongParameter") == 1


@pytest.mark.parametrize("field", ["usd_coin", "[coin]\nfeed"])
def test_terms__an_address_without_code__is_refused(url, terms, tmp_path, field):
    text = terms.read_text()
    coin = text.split(f'{field} = "')[1].split('"')[0]
    path = tmp_path / "terms.toml"
    path.write_text(text.replace(coin, Web3.to_checksum_address("0x" + "ab" * 20)))
    command = [sys.executable, "-m", "scripts.deploy", str(path), "--rpc", url]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 78
    name = field.strip("[").replace("]\n", ".")
    assert f"{name} is 0xABaBaBaB" in run.stderr
