import pytest

from keeper.audit.account import inspect_account
from keeper.chain.client import ChainClient
from keeper.errors import InputError
from keeper.state.accounts import parse_account
from tests.unit.chain.fake_node import ARTIFACTS, DEPLOYMENT, FakeNode, Serving
from tests.unit.chain.world import ALICE, BOB, MODEL, PUT, account, views

OWNER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
HEALTH = {
    "equity": 1,
    "standard": 2,
    "standardInitial": 3,
    "maintenance": 4,
    "initialAddOns": 1,
    "gridInitial": 5,
    "worstLoss": 6,
    "worstScenario": 7,
}


@pytest.mark.parametrize(
    ("text", "sub"), [(OWNER, 0), (OWNER.lower(), 0), (f"{OWNER}:3", 3), (f"{OWNER}:0", 0)]
)
def test_parse__owner_with_and_without_sub_account(text, sub):
    assert parse_account(text) == bytes.fromhex(OWNER[2:]) + sub.to_bytes(12, "big")


def test_parse__whole_id():
    assert parse_account(f"0x{ALICE.hex()}") == ALICE


@pytest.mark.parametrize(
    "text", ["", "0x", OWNER[:-1], f"{OWNER}:-1", f"{OWNER}:²", f"{OWNER}:{2**96}", "0x" + "g" * 64]
)
def test_parse__anything_else__is_refused(text):
    with pytest.raises(InputError):
        parse_account(text)


@pytest.fixture
def node():
    table = views() | {("MarginLens", "health"): HEALTH}
    with Serving(FakeNode(head=70, views=table)) as running:
        yield running


def inspect(node, name):
    client = ChainClient.connect(node.url, ARTIFACTS)
    return inspect_account(client, DEPLOYMENT, MODEL, name, client.head())


def test_inspect__equity_is_cash_less_cost_plus_value(node):
    report = inspect(node, BOB)
    value = sum(leg.value_usd6 for leg in report.legs)
    cost = sum(leg.entry_cost_usd6 for leg in report.legs)
    assert report.keeper.equity_usd6 == report.cash_usd6 - cost + value


def test_inspect__differences__are_keeper_less_chain(node):
    report = inspect(node, ALICE)
    assert report.chain.maintenance_usd6 == 4
    assert report.difference_usd6["maintenance_usd6"] == report.keeper.maintenance_usd6 - 4


def test_inspect__maintenance__is_at_most_standard_margin(node):
    for name in (ALICE, BOB):
        report = inspect(node, name)
        assert report.keeper.maintenance_usd6 <= report.keeper.standard_usd6
        assert report.keeper.grid_initial_usd6 >= report.initial_usd6 - 10_000


@pytest.mark.parametrize(
    ("cash", "locked", "health"),
    [(10**10, False, "healthy"), (60_000_000, False, "liquidatable"), (10**10, True, "in auction")],
)
def test_inspect__health(node, cash, locked, health):
    node.views |= views(accounts=[account(ALICE, cash, [(PUT, -5_000, 0)], locked)])
    assert inspect(node, ALICE).health == health


def test_inspect__no_leg_left__has_cash_and_no_margin(node):
    node.views |= views(accounts=[account(ALICE, 77, [])])
    report = inspect(node, ALICE)
    assert (report.keeper.equity_usd6, report.keeper.maintenance_usd6) == (77, 0)
    assert report.legs == report.scenarios == ()
