import json

import numpy as np
import pytest

from keeper.backtest.stress.cascade import Accounts, Market, cascade
from keeper.backtest.stress.replay import CRASHES, find_crash, replay
from keeper.backtest.stress.world import Move, moved_snapshot
from keeper.cli.app import main
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from keeper.state.body import encode
from keeper.state.price_history import PriceHistory
from keeper.testing.random_book import random_book
from tests.books import ETH, MODEL, account, exchange, perpetual

BOOK = random_book(MODEL, 300, 1500, 7, 400)
NUMBERS = BOOK.underlyings.underlying.tolist()
SIGMA = dict.fromkeys(NUMBERS, 0.035)
DEEP = Market(dict.fromkeys(NUMBERS, 1e15), SIGMA)
THIN = Market(dict.fromkeys(NUMBERS, 2e4), SIGMA)
FALL = Move(dict.fromkeys(NUMBERS, 0.75), 0.5)


def run(move, market=DEEP, book=BOOK):
    accounts = Accounts(book)
    return cascade(accounts, move, market, MODEL), accounts


def test_cascade__no_move__liquidates_those_below_already_and_settles():
    margined = margin_book(moved_snapshot(BOOK, Move({})), MODEL)
    below = int((margined.measured & (margined.equity_usd6 < margined.required_usd6)).sum())
    found, _ = run(Move({}))
    assert found.below == below
    assert found.settled


def test_cascade__fall__hits_more_and_costs_more_than_none():
    calm, _ = run(Move({}))
    hard, _ = run(FALL)
    assert hard.below > calm.below
    assert hard.gas > calm.gas
    assert hard.capital_usd > calm.capital_usd
    assert hard.insurance_usd >= calm.insurance_usd


def test_cascade__thin_market__gives_way_and_takes_more_down():
    deep, _ = run(FALL)
    thin, _ = run(FALL, THIN)
    assert thin.price != deep.price
    assert thin.liquidated > deep.liquidated
    assert len(thin.rounds) > len(deep.rounds)
    assert all(price == pytest.approx(0.75, rel=1e-3) for price in deep.price.values())


def test_cascade__several_rounds__push_by_what_all_of_them_sold():
    found, _ = run(FALL, THIN)
    assert len(found.rounds) > 1
    for number in NUMBERS:
        flow = sum(step.hedged_usd[number] for step in found.rounds)
        pushed = SIGMA[number] * (abs(flow) / 2e4) ** 0.5 * (1 if flow > 0 else -1)
        assert found.price[number] == pytest.approx(0.75 * max(1.0 + pushed, 0.1))


def test_cascade__afterwards__sellers_are_above_their_requirement():
    found, accounts = run(FALL)
    assert found.settled
    book = margin_book(moved_snapshot(accounts.snapshot, Move(found.price, FALL.vol)), MODEL)
    assert (book.equity_usd6 >= book.required_usd6)[book.measured].all()


def test_cascade__same__is_the_same():
    assert run(FALL, THIN)[0] == run(FALL, THIN)[0]


def test_cascade__insolvent_account__costs_the_fund_what_it_lacks():
    # Ten coins of ETH bought at 3,000 with 1,500 USD of cash: a fall by 10 % takes 3,000 of it.
    cost = 10_000 * 3_011_235
    book = exchange(
        [
            account(
                1, {perpetual(ETH): 10_000}, cash_usd6=1_500_000_000, costs={perpetual(ETH): cost}
            )
        ]
    )
    market = Market({1: 1e15, 2: 1e15}, {1: 0.035, 2: 0.045})
    found, accounts = run(Move({ETH: 0.9}), market, book)
    moved = margin_book(moved_snapshot(book, Move({ETH: 0.9})), MODEL)
    assert found.insolvent == 1
    assert found.insurance_usd == pytest.approx(-int(moved.equity_usd6[0]) / 1e6)
    assert found.rounds[0].hedged_usd[ETH] < 0  # who takes a long over sells
    assert accounts.snapshot.legs.lots.tolist() == [0]


@pytest.mark.parametrize("lots", [3, 40])
def test_cascade__book_of_few_lots__is_sold_whole_and_the_rounds_end(lots):
    # Forty lots can be sold in part; a share of three would round to none, round after round.
    held = {perpetual(ETH): lots}
    costs = {perpetual(ETH): lots * 3_011_235}
    book = exchange([account(1, held, cash_usd6=lots * 350_000, costs=costs)])
    market = Market({1: 1e15, 2: 1e15}, {1: 0.035, 2: 0.045})
    found, accounts = run(Move({}), market, book)
    assert found.settled
    assert found.transactions == 2 * len(found.rounds)
    assert all(abs(step.hedged_usd[ETH]) > 0 for step in found.rounds)
    assert (accounts.snapshot.legs.lots == 0).all() == (lots == 3)


def test_moved_snapshot__vol__lifts_short_terms_more():
    lifted = moved_snapshot(BOOK, Move({}, 0.5)).forwards
    live = BOOK.forwards.a > 0
    factor = np.sqrt(lifted.a[live] / BOOK.forwards.a[live])
    expiry = BOOK.forwards.expiry[live]
    near, far = factor[expiry == expiry.min()][0], factor[expiry == expiry.max()][0]
    assert near > 1.5 > far > 1.0


@pytest.mark.parametrize(
    "wrong", [{"price": {1: 0.0}}, {"price": {1: 200.0}}, {"price": {}, "vol": 9.0}]
)
def test_move__absurd__is_refused(wrong):
    with pytest.raises(InputError, match="give multiples"):
        Move(**wrong)


def history(fall=0.6):
    since = 18_329 * 86_400  # 2020-03-08
    prices = np.array([[8_000.0, 200.0]] * 3 + [[8_000 * fall, 200 * fall]] * 4)
    return PriceHistory("x.csv", ("BTC", "ETH"), 86_400, since + 86_400 * np.arange(7), prices)


def test_replay__crash__plays_its_days_in_order():
    played = replay(BOOK, history(), find_crash("march-2020"), DEEP, MODEL)
    assert len(played.steps) == 6
    assert played.steps[0].price == {1: 1.0, 2: 1.0}
    assert played.steps[-1].price == {1: pytest.approx(0.6), 2: pytest.approx(0.6)}
    assert (played.steps[0].vol, played.steps[-1].vol) == (0.0, pytest.approx(1.0))
    liquidated = [step.so_far.liquidated for step in played.steps]
    assert liquidated == sorted(liquidated)
    assert liquidated[-1] > liquidated[0]


def test_replay__file_without_the_crash__is_refused():
    with pytest.raises(InputError, match="no prices over may-2021"):
        replay(BOOK, history(), find_crash("may-2021"), DEEP, MODEL)
    cut = history()
    cut = PriceHistory(
        "cut.csv", cut.symbols, cut.step_seconds, cut.known_at[:4], cut.close_usd[:4]
    )
    with pytest.raises(InputError, match=r"cut\.csv has no prices over march-2020"):
        replay(BOOK, cut, find_crash("march-2020"), DEEP, MODEL)
    with pytest.raises(InputError, match="choose march-2020"):
        find_crash("april-1987")
    assert len(CRASHES) == 4


def test_stress_verb__body__json_and_text(tmp_path, capsys):
    body = tmp_path / "x.body"
    body.write_bytes(encode(BOOK))
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["stress", str(body), "--move", "BTC=-0.25", "--vol", "0.5", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["cascade"]["settled"] is True
    assert found["gas_usd"] > 0
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["stress", str(body), "--move", "BTC=-0.25"])
    assert "accounts fall below" in capsys.readouterr().out


def test_stress_verb__contradictions__are_refused(tmp_path, capsys):
    body = tmp_path / "x.body"
    body.write_bytes(encode(BOOK))
    assert main(["stress", str(body), "--move", "DOGE=-0.25"]) == 65
    assert main(["stress", str(body), "--replay", "march-2020"]) == 65
    assert main(["stress", str(body), "--prices", "x.csv"]) == 65
    assert "error:" in capsys.readouterr().err
    assert main(["stress", str(body), "--move", "BTC=-0.1", "--move", "BTC=-0.2"]) == 65
    assert "BTC has a number already" in capsys.readouterr().err
    replayed = ("--replay", "march-2020", "--prices", "x.csv")
    assert main(["stress", str(body), *replayed, "--vol", "0.5"]) == 65
    assert "neither --move nor --vol" in capsys.readouterr().err


def test_stress_verb__replay_of_a_damaged_file__names_the_rows(tmp_path, capsys):
    body, prices = tmp_path / "x.body", tmp_path / "x.csv"
    body.write_bytes(encode(BOOK))
    days = [f"2020-03-{day:02},{8_000 - 100 * day},{200 - day}" for day in range(1, 20)]
    days[3] = "2020-03-04,,196"
    prices.write_text("\n".join(["date_utc,btc_usd,eth_usd", *days]) + "\n")
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["stress", str(body), "--replay", "march-2020", "--prices", str(prices), "--json"])
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["steps"]) == 6
    assert "x.csv, 1 row(s) (5): the price is missing or not positive" in shown.err
