"""What is shown: plain lines, and a picture that fits its terminal."""

import io

from rich.console import Console

from keeper.devnet.view import (
    AccountLine,
    EpochLine,
    LiveView,
    Picture,
    PlainView,
    sparkline,
    view_for,
)
from keeper.units import E8, USD6

TIME = 2_000_016_101


def line(hour=11, names=("ann", "bob"), sentinels=0):
    accounts = [
        AccountLine(name, (index + 1) * 1_000 * USD6, 900 * USD6, "open")
        for index, name in enumerate(names)
    ]
    return EpochLine(
        hour=hour,
        time=TIME,
        eth_e8=134 * E8,
        btc_e8=5_950 * E8,
        epoch=10,
        ref_block=320,
        leaves=len(accounts),
        sentinels=sentinels,
        root=bytes.fromhex("ab" * 32),
        agreeing=3,
        keepers=3,
        signed=2,
        accounts=tuple(accounts),
    )


def shown(renderable, height=40):
    console = Console(file=io.StringIO(), width=100, height=height)
    console.print(renderable)
    return console.file.getvalue()


def test_plain_view__one_line_each():
    out = io.StringIO()
    with PlainView(Console(file=out, width=40)) as view:
        view.note(TIME, "ann: [pays] in 5 USD")
        view.epoch(line(sentinels=1))
    first, second = out.getvalue().splitlines()
    assert first == "18 May 08:01:41    ann: [pays] in 5 USD"
    for part in ("hour 11", "ETH  134.00", "BTC  5950.00", "block  320", "0xabababababab…"):
        assert part in second
    assert second.endswith("2 leaves (1 sentinels)  3/3 keepers agree, 2 signed")


def test_view_for__live_only_on_a_terminal():
    pipe = Console(file=io.StringIO())
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(view_for(pipe, plain=False), PlainView)
    assert isinstance(view_for(terminal, plain=False), LiveView)
    assert isinstance(view_for(terminal, plain=True), PlainView)


def test_live_view__stops_when_left_by_an_exception():
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    view = LiveView(terminal)
    try:
        with view:
            view.epoch(line())
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert "ann" in terminal.file.getvalue()
    # The cursor is shown again.
    assert terminal.file.getvalue().rstrip().endswith("\x1b[?25h")


def test_picture__market_accounts_epochs_and_events():
    picture = Picture()
    assert "opening" in shown(picture.render(40))
    picture.add_note(TIME, "ann: flagged")
    picture.add_epoch(line())
    text = shown(picture.render(40))
    for part in ("ETH 134.00", "BTC 5,950.00", "ann", "bob", "90%", "epoch  10", "ann: flagged"):
        assert part in text


def test_picture__low_terminal__keeps_the_most_strained():
    names = [f"account {index:02}" for index in range(20)]
    picture = Picture()
    picture.add_epoch(line(names=names))
    text = shown(picture.render(24))
    assert "account 00" in text
    assert "account 19" not in text


def test_account_line__used():
    assert AccountLine("a", 200, 50, "open").used == 0.25
    assert AccountLine("a", -1, 50, "open").used == 1.0
    assert AccountLine("a", 0, 0, "closed").used == 0.0


def test_sparkline__from_low_to_high():
    assert sparkline([1, 4, 8]) == "▁▄█"
    assert sparkline([5, 5]) == "██"
