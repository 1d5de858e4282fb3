"""What pledged tokens add to equity: never to a requirement, so they offset no risk.

A token that offsets risk is a SPOT position. All Python integers: an amount is a uint128. Credits
round down.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from keeper.errors import InputError, MarketDataError
from keeper.state.snapshot import Snapshot
from keeper.state.tables import Tokens
from keeper.units import E8, USD6, WAD

SETTLEMENT_COIN: Final = 0
"""The token that cash is counted in: TOKN gives its price, ACCT its amounts."""

MAX_DECIMALS: Final = 36
_PER_USD6: Final = E8 * WAD // USD6  # from amount * price_e8 * kept_wad, beside 10**decimals


def require_tokens(snapshot: Snapshot) -> None:
    """Refuse a body in which some token cannot be valued, whoever holds it.

    Raises MarketDataError where a token has no price, or tokens stand without the settlement coin;
    InputError for decimals outside 1..36, a haircut beyond 1 or on the coin, a balance of the coin,
    of a token that TOKN lacks or of an account that ACCT lacks.
    """
    _require_rows(snapshot.tokens)
    known: set[int] = set(snapshot.tokens.token.tolist())
    if known and SETTLEMENT_COIN not in known:
        raise MarketDataError(
            f"TOKN has tokens {sorted(known)} but not {SETTLEMENT_COIN}, the settlement coin: "
            "publish its price beside theirs"
        )
    held: set[int] = set(snapshot.balances.token.tolist())
    if unknown := sorted(held - known):
        raise InputError(f"COLL has balances of tokens {unknown}, which TOKN lacks: add them there")
    if SETTLEMENT_COIN in held:
        raise InputError(
            f"COLL has balances of token {SETTLEMENT_COIN}, the settlement coin: that is cash, "
            "count it in ACCT"
        )
    if (snapshot.balances.account >= len(snapshot.accounts)).any():
        raise InputError("COLL names an account row beyond ACCT: add the account there")


def settlement_price_e8(tokens: Tokens) -> int | None:
    """Return the price of the settlement coin; None where the chain publishes no tokens at all."""
    found: dict[int, int] = dict(zip(tokens.token.tolist(), tokens.price_e8.tolist(), strict=True))
    return found.get(SETTLEMENT_COIN)


def token_value_usd6(amount: int, decimals: int, price_e8: int, haircut_wad: int) -> int:
    """Return what an amount in base units is worth after its haircut, micro-dollars, down."""
    return amount * price_e8 * (WAD - haircut_wad) // (10**decimals * _PER_USD6)


def collateral_by_row(snapshot: Snapshot) -> dict[int, int]:
    """Return the collateral of each row of ACCT that has a balance: what its tokens are worth after
    their haircuts, micro-dollars, each rounded down.

    The numbers have no limit. `require_tokens` must have passed.
    """
    tokens, balances = snapshot.tokens, snapshot.balances
    columns = (tokens.decimals, tokens.price_e8, tokens.haircut_wad)
    terms = zip(*(column.tolist() for column in columns), strict=True)
    of_token = dict(zip(tokens.token.tolist(), terms, strict=True))
    found: defaultdict[int, int] = defaultdict(int)
    rows = zip(
        balances.account.tolist(), balances.token.tolist(), balances.amount.tolist(), strict=True
    )
    for account, token, (high, low) in rows:
        found[account] += token_value_usd6(high << 64 | low, *of_token[token])
    return dict(found)


def bare_equity_usd6(snapshot: Snapshot) -> list[int]:
    """Return cash plus collateral of each row of ACCT, micro-dollars: its equity if without legs.

    `MarginBook` has no rows for accounts without a leg. The numbers have no limit.
    `require_tokens` must have passed.
    """
    found: list[int] = snapshot.accounts.cash_usd6.tolist()
    for row, worth in collateral_by_row(snapshot).items():
        found[row] += worth
    return found


def _require_rows(tokens: Tokens) -> None:
    columns = (tokens.token, tokens.decimals, tokens.price_e8, tokens.haircut_wad)
    for token, decimals, price, haircut in zip(*(c.tolist() for c in columns), strict=True):
        if price == 0:
            raise MarketDataError(f"token {token}: price_e8 is 0, check its price feed")
        if not 1 <= decimals <= MAX_DECIMALS:
            raise InputError(
                f"token {token}: decimals is {decimals}, write those of its contract, "
                f"1 to {MAX_DECIMALS}"
            )
        most = 0 if token == SETTLEMENT_COIN else WAD
        if haircut > most:
            raise InputError(
                f"token {token}: haircut_wad is {haircut}, write a fraction of at most {most}"
            )
