"""What people and price feeds do to the contracts: deposits, signed trades, prices, surfaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Any, Final

from keeper.attestation.leaf import MarginLeaf
from keeper.attestation.typed_data import (
    ExpiryQuote,
    Order,
    SurfaceUpdate,
    clearinghouse_domain,
    feeds_domain,
)
from keeper.chain.client import ChainClient
from keeper.devnet import keys
from keeper.devnet.actors import COIN, Actor, dealer_of
from keeper.devnet.deployment import SPOT_TOKEN_DECIMALS, THRESHOLD, DevDeployment
from keeper.devnet.wallet import Wallet
from keeper.errors import Reverted
from keeper.state.accounts import account_id
from keeper.state.instruments import Instrument
from keeper.tx.signers.base import Signer
from keeper.units import USD6

ANYBODY: Final = "0x" + "00" * 20
NO_CLAIM: Final = ((0, bytes(32), bytes(32), 0, 0, 0), [], [])
# More dollars than everybody in the demo pays in.
_BANK_USD6: Final = 10**9 * USD6
_ORDER_LIFE_SECONDS: Final = 600
_QUOTE_LIFE_SECONDS: Final = 60

Claim = tuple[tuple[int, bytes, bytes, int, int, int], list[bytes], list[tuple[int, int]]]


def claim(leaf: MarginLeaf, proof: Iterable[bytes], base: Iterable[tuple[int, int]]) -> Claim:
    """Return a leaf, its proof and the legs that it speaks of, as an argument of the contracts.

    `base` is `Snapshot.legs_of` of the account, in the snapshot of the leaf's epoch.
    """
    words = (
        leaf.epoch,
        leaf.account,
        leaf.positions_hash,
        leaf.initial_margin,
        leaf.maintenance_margin,
        leaf.worst_scenario,
    )
    return words, list(proof), list(base)


def account_of(label: str) -> bytes:
    """Return the first account of the label's key."""
    return account_id(keys.address(label), 0)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The contracts of one demo, seen by everybody but the keepers."""

    client: ChainClient
    contracts: DevDeployment
    _salts: Iterator[int] = field(default_factory=count)
    _quotes: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def open_bank(self) -> None:
        """Mint the dollars that deposits are paid from."""
        bank, treasury = self._wallet(keys.DEPLOYER), self.contracts.deployment.treasury
        bank.send(self.contracts.deployment.usd_coin, "mint", bank.address, _BANK_USD6)
        bank.send(self.contracts.deployment.usd_coin, "approve", treasury.address, _BANK_USD6)

    def deposit(self, account: bytes, usd: int) -> None:
        """Pay dollars into an account."""
        house = self.contracts.deployment.clearinghouse
        self._wallet(keys.DEPLOYER).send(house, "deposit", account, usd * USD6)

    def pledge(self, actor: Actor, underlying: int, coins: int) -> None:
        """Mint tokens for the actor, who pledges them as a SPOT position."""
        wallet, house = self._wallet(actor.name), self.contracts.deployment.clearinghouse
        token = self.contracts.spot_tokens[underlying]
        amount = coins * 10**SPOT_TOKEN_DECIMALS
        wallet.send(token, "mint", wallet.address, amount)
        wallet.send(token, "approve", house.address, amount)
        wallet.send(house, "depositSpot", account_of(actor.name), underlying, coins * COIN)

    def trade(self, actor: Actor, instrument: Instrument, lots: int) -> None:
        """Let the actor buy (or sell, where negative) at the dealer's quote."""
        price = self._quote(instrument)
        dealer = dealer_of(instrument)
        maker = self._order(dealer.name, instrument, -lots, price)
        taker = self._order(actor.name, instrument, lots, price)
        self._wallet(actor.name).send(
            self.contracts.deployment.clearinghouse,
            "trade",
            *(*maker, *taker, abs(lots), NO_CLAIM, NO_CLAIM),
        )

    def post_spot(self, underlying: int, price_e8: int) -> None:
        """Post a round of the price feed."""
        feed = self.contracts.price_feeds[underlying]
        self._wallet(keys.DEPLOYER).send(feed, "post", price_e8)

    def post_surface(self, underlying: int, time: int, quotes: tuple[ExpiryQuote, ...]) -> None:
        """Publish forwards and smiles of one underlying, signed by a quorum of feed signers."""
        update = SurfaceUpdate(underlying, time, quotes)
        self._wallet(keys.DEPLOYER).send(
            self.contracts.deployment.market_feeds,
            "updateSurface",
            underlying,
            time,
            [_words(quote) for quote in quotes],
            self._feed_signatures(update),
        )

    def insure(self, usd: int) -> None:
        """Pay into the fund that covers deficits."""
        bank, fund = self._wallet(keys.DEPLOYER), self.contracts.deployment.insurance_fund
        amount = usd * USD6
        bank.send(self.contracts.deployment.usd_coin, "approve", fund.address, amount)
        bank.send(fund, "deposit", amount, bank.address)

    def fund_liquidator(self, usd: int) -> None:
        """Give the liquidator dollars, in its own hands."""
        coin = self.contracts.deployment.usd_coin
        self._wallet(keys.DEPLOYER).send(coin, "mint", keys.address(keys.LIQUIDATOR), usd * USD6)

    def secure_bought_book(self, account: bytes) -> int:
        """Let the liquidator pay in what a book lacks to one and a half times standard margin.

        With the margin that it was bought at, it would be the next to be flagged. Return
        micro-dollars.
        """
        wallet, deployment = self._wallet(keys.LIQUIDATOR), self.contracts.deployment
        health = self.health(account, mask=0)
        missing = max(0, health["standardInitial"] * 3 // 2 - health["equity"])
        if missing:
            house, treasury = deployment.clearinghouse, deployment.treasury
            wallet.send(deployment.usd_coin, "approve", treasury.address, missing)
            wallet.send(house, "deposit", account, missing)
        return missing

    def health(self, account: bytes, mask: int | None = None) -> dict[str, Any]:
        """Return equity and requirements as the contracts see them, by default from the grid."""
        at, deployment = self.client.head(), self.contracts.deployment
        if mask is None:
            mask = self.client.call(deployment.risk_engine, "gridMask", at=at)
        return self.client.call(deployment.margin_lens, "health", (account, mask), at=at)

    def withdraw_call(self, actor: Actor, amount_usd6: int, shown: Claim) -> tuple[Any, ...]:
        """Return the arguments with which the actor withdraws to itself."""
        return (account_of(actor.name), amount_usd6, keys.address(actor.name), shown)

    def withdraw(self, actor: Actor, amount_usd6: int, shown: Claim) -> bool:
        """Withdraw, and return whether the contract paid."""
        house = self.contracts.deployment.clearinghouse
        try:
            arguments = self.withdraw_call(actor, amount_usd6, shown)
            self._wallet(actor.name).send(house, "withdraw", *arguments)
        except Reverted:
            return False
        return True

    def _wallet(self, label: str) -> Wallet:
        return Wallet(self.client, self._signer(label))

    def _quote(self, instrument: Instrument) -> int:
        """Return the dealers' price: the mark, renewed once a minute."""
        head, key = self.client.head(), instrument.pack()
        quoted_at, price = self._quotes.get(key, (0, 0))
        if head.timestamp - quoted_at >= _QUOTE_LIFE_SECONDS:
            engine = self.contracts.deployment.risk_engine
            price = self.client.call(engine, "markOf", (key,), at=head)
            self._quotes[key] = (head.timestamp, price)
        return price

    def _order(
        self, label: str, instrument: Instrument, lots: int, price_e8: int
    ) -> tuple[tuple[Any, ...], bytes]:
        head = self.client.head()
        order = Order(
            account=account_of(label),
            instrument=instrument.pack(),
            lots=lots,
            limit_price=price_e8,
            salt=next(self._salts),
            deadline=head.timestamp + _ORDER_LIFE_SECONDS,
            executor=ANYBODY,
        )
        domain = clearinghouse_domain(
            self.client.chain_id, self.contracts.deployment.clearinghouse.address
        )
        return _words(order), self._signer(label).sign_digest(order.digest(domain)).to_bytes()

    def _feed_signatures(self, update: SurfaceUpdate) -> list[tuple[bytes, bytes]]:
        domain = feeds_domain(self.client.chain_id, self.contracts.deployment.market_feeds.address)
        digest = update.digest(domain)
        signers = sorted(keys.FEED_SIGNERS, key=lambda label: keys.address(label).lower())
        signatures = [self._signer(label).sign_digest(digest) for label in signers[:THRESHOLD]]
        return [(signature.r, signature.vs) for signature in signatures]

    def _signer(self, label: str) -> Signer:
        return keys.signer(label, self.client.chain_id)


def _words(message: Order | ExpiryQuote) -> tuple[Any, ...]:
    """Return the members in the order of the contract's struct."""
    return tuple(getattr(message, member.name) for member in fields(message))
