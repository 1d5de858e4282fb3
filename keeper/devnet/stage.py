"""All that takes part in a demo, put together: contracts, people, three keepers, a liquidator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from keeper.chain.artifacts import Artifacts
from keeper.chain.client import ChainClient
from keeper.clock import ManualClock
from keeper.devnet import keys, market
from keeper.devnet.actors import ACTORS, DEALERS, listed
from keeper.devnet.chains import DevChain
from keeper.devnet.deployment import deploy, shipped_model
from keeper.devnet.exchange import Exchange, account_of
from keeper.devnet.keys import KeystoreFiles
from keeper.jobs.context import KeeperContext
from keeper.margin.scenarios import Model
from keeper.quorum.signing_log import SigningLog
from keeper.state.accounts import split_account
from keeper.state.instruments import Instrument
from keeper.tx.sender import SigningSender
from keeper.tx.signers.keystore import KeystoreSigner

# The contracts are in place some minutes before trading opens.
GENESIS_TIME: Final = market.START - market.HOUR
DEPLOYMENT_TIME: Final = market.START - 600


@dataclass(frozen=True, slots=True)
class Stage:
    """One demo. `keystores` go with `keepers`; `auctions` are the accounts that are in one now."""

    chain: DevChain
    model: Model
    exchange: Exchange
    keepers: tuple[KeeperContext, ...]
    keystores: tuple[KeystoreFiles, ...]
    liquidator: KeeperContext
    clock: ManualClock
    names: dict[bytes, str] = field(default_factory=dict[bytes, str])
    auctions: set[bytes] = field(default_factory=set[bytes])

    @property
    def client(self) -> ChainClient:
        """The view from outside, which is none of the keepers' own."""
        return self.exchange.client

    def name_of(self, account: bytes) -> str:
        """Return what people call an account; bought books are numbered as they appear."""
        if account not in self.names:
            owner, _ = split_account(account)
            bought = bytes.fromhex(keys.address(keys.LIQUIDATOR)[2:]) == owner
            books = sum(name.startswith("bought book") for name in self.names.values())
            self.names[account] = f"bought book {books + 1}" if bought else f"0x{account.hex()[:8]}"
        return self.names[account]

    def at(self, timestamp: int) -> None:
        """Choose the time of the next block, for the chain and for the keepers."""
        self.chain.set_next_time(timestamp)
        self.clock.seconds = timestamp

    def close(self) -> None:
        """Release what the keepers hold open."""
        for keeper in self.keepers:
            if keeper.signing_log is not None:
                keeper.signing_log.close()


def addresses() -> list[ChecksumAddress]:
    """Return everybody who sends transactions, so that a chain can give them ether in advance."""
    people = [actor.name for actor in (*ACTORS, *DEALERS)]
    return [
        keys.address(label)
        for label in (keys.DEPLOYER, keys.LIQUIDATOR, *keys.MARGIN_KEEPERS, *people)
    ]


def _fresh_journal(path: Path) -> SigningLog:
    """A new chain has a new history: what was signed on an earlier one says nothing here."""
    path.unlink(missing_ok=True)
    return SigningLog(path)


def build_stage(chain: DevChain, directory: Path, listings: Sequence[Instrument] = ()) -> Stage:
    """Deploy on a fresh chain; keystores, passwords and signing logs go into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    chain.fund(addresses())
    clock = ManualClock(DEPLOYMENT_TIME)
    chain.set_next_time(clock.seconds)
    artifacts = Artifacts.load()
    client = ChainClient(chain.web3, artifacts)
    model = shipped_model()
    first_spots = {underlying: market.spot_e8(underlying, 0) for underlying in market.UNDERLYINGS}
    ids = [instrument.pack() for instrument in listings or listed()]
    contracts = deploy(client, model, first_spots, ids)
    keystores = tuple(keys.write_keystore(label, directory) for label in keys.MARGIN_KEEPERS)

    def context(signer: KeystoreSigner | None, log: Path | None) -> KeeperContext:
        own_client = ChainClient(chain.web3, artifacts)
        sending = keys.signer(keys.LIQUIDATOR, chain.chain_id) if signer is None else signer
        return KeeperContext(
            client=own_client,
            deployment=contracts.deployment,
            model=model,
            clock=clock,
            sender=SigningSender(own_client, sending),
            signers=() if signer is None else (signer,),
            signing_log=None if log is None else _fresh_journal(log),
        )

    keepers = tuple(
        context(
            KeystoreSigner.load(files.keystore, files.password_file),
            files.keystore.with_suffix(".journal"),
        )
        for files in keystores
    )
    return Stage(
        chain=chain,
        model=model,
        exchange=Exchange(client, contracts),
        keepers=keepers,
        keystores=keystores,
        liquidator=context(None, None),
        clock=clock,
        names={account_of(actor.name): actor.name for actor in (*DEALERS, *ACTORS)},
    )
