"""A surface on its way from quotes to MarketFeeds, by the verbs that feed signers use."""

import csv
from datetime import UTC, datetime

import numpy as np

from keeper.calibration.expiry_fit import vols
from keeper.devnet import keys, market
from keeper.devnet.chains import NodeChain
from keeper.devnet.stage import build_stage
from keeper.pricing import black76
from keeper.pricing.svi_arbitrage import Smile
from keeper.sources.chain_files import COLUMNS
from keeper.units import YEAR_SECONDS
from tests.e2e.demo_run import run_keeper

SLOT = market.START + 600
SMILE = Smile(a=0.2, b=0.3, rho=-0.2, m=0.0, sigma=0.3)
SPOT = 7_940.0
BASIS = 0.02  # a year


def write_chain(folder, time, level=1.0):
    """Quotes a vol point wide around one smile, times `level` in vol."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{datetime.fromtimestamp(time, UTC):%Y%m%dT%H%M%SZ}.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for expiry in market.EXPIRIES:
            years = (expiry - time) / YEAR_SECONDS
            forward = SPOT * np.exp(BASIS * years)
            day = f"{datetime.fromtimestamp(expiry, UTC):%d%b%y}".upper().lstrip("0")
            reach = 3 * vols(SMILE, np.zeros(1))[0] * np.sqrt(years)
            for strike in np.unique(np.round(forward * np.exp(np.linspace(-reach, reach, 21)))):
                vol = level * vols(SMILE, np.log(np.array([strike / forward])))
                for right in "CP":
                    bid, mark, ask = (
                        float(black76.price(forward, strike, v, years, right == "C")[0]) / forward
                        for v in (vol - 0.005, vol, vol + 0.005)
                    )
                    name = f"BTC-{day}-{strike:.0f}-{right}"
                    out.writerow([name, forward, SPOT, mark, vol[0], bid, ask, 1])
    return path


class Publication:
    """Contracts on a node, the settings of three feed signers, and their verbs."""

    def __init__(self, url, folder):
        self.folder = folder
        self.chain = NodeChain(url)
        self.stage = build_stage(self.chain, folder / "stage")
        self.stage.at(SLOT - 60)
        self.stage.exchange.post_spot(market.BTC, round(SPOT * 10**8))
        self.deployment = folder / "deployment.json"
        self.stage.exchange.contracts.deployment.save(self.deployment)
        sender = keys.write_keystore(keys.DEPLOYER, folder)
        self.settings = []
        for number, label in enumerate(keys.FEED_SIGNERS):
            signer = keys.write_keystore(label, folder)
            path = folder / f"signer{number}.toml"
            path.write_text(
                f'rpc_url = "{url}"\ndeployment_file = "{self.deployment}"\n'
                f'[[feed_signers]]\nkeystore = "{signer.keystore}"\n'
                f'password_file = "{signer.password_file}"\n'
                f'[sender]\nkeystore = "{sender.keystore}"\n'
                f'password_file = "{sender.password_file}"\n'
            )
            self.settings.append(path)

    def at(self, time):
        """An empty block of that time; those after it follow a second apart."""
        self.stage.at(time)
        self.chain.mine()
        self.chain.web3.provider.make_request("anvil_setBlockTimestampInterval", [1])

    def publish(self, number, *args):
        config = str(self.settings[number])
        return run_keeper("surface", "publish", *map(str, args), "--config", config, "--json")

    def proposed(self, chain, out, time=SLOT, perpetual="1.0001"):
        options = ("--underlying", "BTC", "--perpetual-ratio", perpetual, "--time", time)
        return self.publish(0, chain, *options, "--out", out)

    def mark(self, expiry):
        feeds = self.stage.exchange.contracts.deployment.market_feeds
        client = self.stage.client
        return client.call(feeds, "quote", (market.BTC, expiry), at=client.head())
