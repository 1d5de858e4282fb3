"""What must have happened in a demo, so that it cannot pass while something is broken."""

from dataclasses import replace

import pytest

from keeper.audit.replay import EpochVerdict
from keeper.devnet.record import EpochRecord, Liquidation, Record, Sale, Settlement, Withdrawal
from keeper.devnet.report import unmet_expectations
from keeper.devnet.summary import document, tables
from tests.unit.devnet.test_view import line, shown

HOURS = (0, 11, 25)

WITHDRAWAL = Withdrawal(
    account="BTC against ETH",
    amount_usd6=13_000_000_000,
    equity_usd6=15_000_000_000,
    standard_usd6=27_000_000_000,
    grid_usd6=2_100_000_000,
    attested_usd6=1_700_000_000,
    refusal="reverted: InsufficientMargin(0x00, 1, 2)",
    accepted=True,
)


def verdict(ok=True):
    return EpochVerdict(
        epoch=10,
        ref_block=320,
        ok=ok,
        attested_root=b"\xab" * 32,
        rebuilt_root=b"\xab" * 32,
        attested_bundle=b"\xcd" * 32,
        rebuilt_bundle=b"\xcd" * 32,
        leaves=2,
        signers=("0x01", "0x02"),
        problems=() if ok else ("margin_root: attested 0xab, rebuilt 0xac",),
    )


def sale(equity=900):
    return Sale("bought book 1", 0, 10**18, equity, 500, 400)


def auction(account, **fields):
    return Liquidation(account, 0, "systemic spot -1 vol up", 1, 2, **fields)


def sound():
    return Record(
        epochs=[EpochRecord(line(), b"\xcd" * 32, b"body")],
        verdicts=[verdict()],
        withdrawal=WITHDRAWAL,
        liquidations=[
            auction("over-levered long", sales=[sale(-5)], covered_usd6=5, end="emptied"),
            auction("short put", sales=[sale()], end="cured"),
            auction("hedged straddle", end="cured"),
        ],
        settlements=[Settlement("ETH", 0, 1, 3), Settlement("BTC", 0, 1, 0)],
        dust_usd6=7,
        seconds={"steps": 1.0},
    )


def problems(record, hours=HOURS):
    return list(unmet_expectations(record, hours))


def test_sound_record__no_problem():
    assert problems(sound()) == []


def spoil_verdict(record):
    record.verdicts = [verdict(ok=False)]


def lose_verdict(record):
    record.verdicts = []


def accept_without_leaf(record):
    record.withdrawal = replace(WITHDRAWAL, refusal="")


def refuse_for_another_reason(record):
    record.withdrawal = replace(WITHDRAWAL, refusal="reverted: NotOwner()")


def refuse_with_leaf(record):
    record.withdrawal = replace(WITHDRAWAL, accepted=False)


def leave_deficit(record):
    record.liquidations[0].uncovered_usd6 = 1


def nobody_insolvent(record):
    record.liquidations.pop(0)


def nobody_liquidated(record):
    record.liquidations.pop(1)


def nobody_saved(record):
    record.liquidations[2].end = "open"


def lose_money(record):
    record.dust_usd6 = -1


def find_money(record):
    record.dust_usd6 = 10**6


def nothing_settled(record):
    record.settlements = [Settlement("ETH", 0, 1, 0)]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (spoil_verdict, "epoch 10: margin_root"),
        (lose_verdict, "did not find the epochs"),
        (accept_without_leaf, "without a leaf"),
        (refuse_for_another_reason, "without a leaf"),
        (refuse_with_leaf, "by its leaf"),
        (leave_deficit, "deficit of the over-levered long"),
        (nobody_insolvent, "deficit of the over-levered long"),
        (nobody_liquidated, "no solvent account"),
        (nobody_saved, "hedged straddle was not cured"),
        (lose_money, "-1 micro-dollars over what it owes"),
        (find_money, "1000000 micro-dollars over"),
        (nothing_settled, "no expired option"),
    ],
)
def test_spoilt_record__exactly_its_problem(spoil, problem):
    record = sound()
    spoil(record)
    [found] = problems(record)
    assert problem in found


def test_short_run__is_not_asked_for_what_comes_later():
    record = sound()
    record.liquidations, record.settlements = [], []
    assert problems(record, hours=(0, 2, 10)) == []


def test_document__has_every_epoch_and_integers():
    record = sound()
    found = document(record, 31337)
    assert found["chainId"] == 31337
    [epoch] = found["epochs"]
    assert epoch["marginRoot"] == "0x" + "ab" * 32
    assert epoch["bundleHash"] == "0x" + "cd" * 32
    assert epoch["verdict"] == "equal"
    assert found["summary"]["withdrawal"]["amountUsd6"] == 13_000_000_000
    assert found["summary"]["liquidations"][1]["sales"][0]["fractionWad"] == 10**18


def test_tables__say_what_happened():
    record = sound()
    text = shown(tables(record))
    assert "1 of 1 epochs are equal to the byte" in text
    record.verdicts = [verdict(ok=False)]
    record.problems = problems(record)
    assert "DIFFERS" in shown(tables(record))
