"""The model file: read strictly, hashed canonically."""

from __future__ import annotations

import json

import pytest

from keeper.errors import InputError
from keeper.margin.model_text import parse_model
from keeper.margin.scenarios import canonical_json, model_hash
from tests.books import HISTORY_TEXT, MODEL, MODEL_TEXT


def test_parse_model__committed_file__has_its_numbers():
    assert MODEL.factors.initial_bps == 13_000
    assert [(u.underlying, u.symbol) for u in MODEL.underlyings] == [(1, "BTC"), (2, "ETH")]
    assert MODEL.underlyings[1].scan_range == 122 * 10**15
    assert MODEL.underlyings[0].option_floor == 125 * 10**15
    assert len(MODEL.scenarios) == 48
    assert MODEL.scenarios[39].name == "tail spot -5 vol up"
    assert MODEL.scenarios[39].weight_bps == 1_700
    assert sum(s.floor for s in MODEL.scenarios) == 10
    assert MODEL.symbols() == {1: "BTC", 2: "ETH"}


def test_canonical_json__committed_file__sorted_without_spaces_or_floats():
    text = canonical_json(MODEL)
    parsed = json.loads(text, parse_float=lambda x: pytest.fail(f"float {x}"))
    assert text == json.dumps(parsed, sort_keys=True, separators=(",", ":"))
    assert parsed["underlyings"][1]["vol_up"] == 25 * 10**16


def test_model_hash__committed_file__golden():
    # Changes only with config/model.toml or history.csv: then this is another model.
    golden = "c17730d9da5c36b4a00b1c6804787afb959f750991070570c04f21ec677af5e3"
    assert model_hash(MODEL).hex() == golden


def test_model_hash__comments_and_layout__do_not_matter():
    assert model_hash(parse_model("# another comment\n" + MODEL_TEXT, HISTORY_TEXT)) == model_hash(
        MODEL
    )
    spelled = MODEL_TEXT.replace('vol_up = "0.30"', 'vol_up = "0.3"')
    assert spelled != MODEL_TEXT
    assert model_hash(parse_model(spelled, HISTORY_TEXT)) == model_hash(MODEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("initial_bps = 13000", "initial_bps = 13001"),
        ('"0.122"', '"0.123"'),
        ("false, true],", "false, false],"),
    ],
)
def test_model_hash__any_number__matters(old, new):
    changed = MODEL_TEXT.replace(old, new, 1)
    assert changed != MODEL_TEXT
    assert model_hash(parse_model(changed, HISTORY_TEXT)) != model_hash(MODEL)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("version = 5", "version = 2", "version 2"),
        ("version = 5", "version = true", "version True"),
        ("version = 5\n", "", "model.version is missing"),
        ("version = 5", "version = 5\nextra = 1", "model.extra is unknown"),
        ("grid_bps = 12500", "", "factors.grid_bps is missing"),
        ("grid_bps = 12500", "grid_bps = 12500\nhaste = 1", "factors.haste is unknown"),
        ("grid_bps = 12500", "grid_bps = 12500.0", "factors.grid_bps 12500.0"),
        ("initial_bps = 13000", "initial_bps = 9999", "factors.initial_bps 9999"),
        ("maintenance_bps = 10000", "maintenance_bps = 13001", "below maintenance_bps"),
        ("maintenance_bps = 10000", "maintenance_bps = 0", "factors.maintenance_bps 0"),
        ('lot = "0.001"', "lot = 0.001", "underlyings[0].lot 0.001 is not text"),
        ('lot = "0.001"', 'lot = "1e-3"', "underlyings[0].lot: '1e-3' is not a decimal"),
        ('lot = "0.001"', 'lot = "0"', "underlyings[0].lot 0"),
        ('vol_up = "0.30"', 'vol_up = "1.01"', "underlyings[0].vol_up"),
        ('vol_up = "0.30"', 'vol_up = "-0.30"', "underlyings[0].vol_up"),
        ('scan_range = "0.092"', 'scan_range = "0.0920000000000000001"', "more than 18 decimals"),
        ("underlying = 2", "underlying = 1", "not ascending"),
        ("underlying = 2", "underlying = 0", "underlyings[1].underlying 0"),
        ("underlying = 2", "underlying = 65536", "underlyings[1].underlying 65536"),
        ('symbol = "ETH"', 'symbol = "BTC"', "underlyings.symbol 'BTC' stands twice"),
        ('symbol = "ETH"', 'symbol = ""', "underlyings[1].symbol"),
        ("[factors]", "[[factors]]", "factors is not a table"),
        ('basis = "0.01"', 'basis = "1.01"', "add_ons.basis 1010000000000000000 is not an integer"),
        ('basis = "0.01"', "basis = 0.01", "add_ons.basis 0.01 is not text"),
        ('pin_width = "0.02"', 'pin_width = "0"', "add_ons.pin_width 0 is not an integer in 1.."),
        ('concentration_most = "2"', 'concentration_most = "0.9"', "add_ons.concentration_most"),
        ("pin_seconds = 86400", "", "add_ons.pin_seconds is missing"),
        ("[add_ons]", "[[add_ons]]", "add_ons is not a table"),
    ],
)  # fmt: skip
def test_parse_model__one_fault__refused_and_named(old, new, problem):
    assert old in MODEL_TEXT
    with pytest.raises(InputError) as refusal:
        parse_model(MODEL_TEXT.replace(old, new, 1), HISTORY_TEXT)
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = " + "[" * 100_000, "model is nested deeper than 8 levels: flatten it"),
        ("a = " + "[" * 20 + "]" * 20, "model.a[0][0][0][0][0][0][0] is nested deeper"),
        ("version" + ".a" * 3_000 + " = 1", "model.version.a.a.a.a.a.a.a is nested deeper than 8"),
        ("version = 0x" + "f" * 5_000, "model.version is an integer beyond 64 bits: write a"),
        ("version = 9223372036854775808", "model.version is an integer beyond 64 bits: write a"),
        ("version = " + "9" * 5_000, "model has an integer beyond 64 bits: write a smaller one"),
        (
            MODEL_TEXT.replace('lot = "0.001"', f'lot = "{"9" * 5_000}"', 1),
            "underlyings[0].lot: '99999999...' has 5000 characters: write at most 100",
        ),
        (
            MODEL_TEXT.replace('lot = "0.001"', f'lot = "0.{"1" * 5_000}"', 1),
            "underlyings[0].lot: '0.111111...' has 5002 characters: write at most 100",
        ),
    ],
    ids=["open", "closed", "dotted", "hex", "int64", "digits", "fraction", "decimals"],
)
def test_parse_model__without_end__refused_and_named(text, problem):
    with pytest.raises(InputError) as refusal:
        parse_model(text, HISTORY_TEXT)
    assert problem in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_parse_model__several_faults__all_reported_at_once():
    text = MODEL_TEXT.replace("grid_bps = 12500", "").replace(" 1700,", " 0,")
    with pytest.raises(InputError) as refusal:
        parse_model(text, HISTORY_TEXT)
    assert str(refusal.value).count("\n- ") == 3


@pytest.mark.parametrize("text", ["", "= 1", "version = 5"])
def test_parse_model__no_model__refused(text):
    with pytest.raises(InputError):
        parse_model(text, HISTORY_TEXT)
