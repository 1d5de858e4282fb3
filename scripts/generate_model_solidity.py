"""Write config/model.toml as the Solidity library that the forge tests deploy from.

`generate_model_solidity.py` rewrites contracts/test/support/Model.sol; `--check` only compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from keeper.chain.engine import (
    add_on_words,
    limit_words,
    risk_words,
    scan_words,
    scenario_words,
    sigma_words,
)
from keeper.chain.model_file import read_model
from keeper.margin.add_on_rules import AddOnRules
from keeper.margin.scenarios import Factors, Model
from keeper.margin.volatility import SCAN_RULE_LIMITS

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "contracts" / "test" / "support" / "Model.sol"
SIGMAS = ("floor", "stress")
LIMITS = ("volUp", "volDown", "volMost", "ratio")
RISKS = ("lot", "scanRange", "volUp", "volDown", "linearRate", "optionRate", "optionFloor")


def rendered(model: Model) -> str:
    """Return the library's source, formatted as `forge fmt` leaves it."""
    count = len(model.underlyings)
    lines = [
        "// SPDX-License-Identifier: MIT",
        "pragma solidity 0.8.37;",
        "",
        'import {IInitialAddOns} from "../../src/interfaces/IInitialAddOns.sol";',
        'import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";',
        'import {ScanLib} from "../../src/libraries/ScanLib.sol";',
        'import {SpeedLib} from "../../src/libraries/SpeedLib.sol";',
        "",
        "/// @title config/model.toml as the contracts take it",
        "/// @notice Written by scripts/generate_model_solidity.py; do not edit.",
        "library Model {",
        f"    uint256 internal constant SCENARIOS = {len(model.scenarios)};",
        "",
        "    function factors() internal pure returns (IRiskEngine.Factors memory) {",
        "        return IRiskEngine.Factors({",
        *_members([_camel(f.name) for f in fields(Factors)], _factor_words(model), "            "),
        "        });",
        "    }",
        "",
        "    function underlyings() internal pure "
        "returns (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) {",
        f"        ids = new uint16[]({count});",
        f"        risks = new IRiskEngine.UnderlyingRisk[]({count});",
    ]
    for index, risk in enumerate(model.underlyings):
        lines += [
            f"        ids[{index}] = {risk.underlying};",
            f"        risks[{index}] = IRiskEngine.UnderlyingRisk({{",
            *_members(RISKS, risk_words(risk), "            "),
            "        });",
        ]
    lines += ["    }", "", *_scan_lines(model)]
    lines += [
        "    function scenarios() internal pure returns (IRiskEngine.Scenario[] memory rows) {",
        "        rows = new IRiskEngine.Scenario[](SCENARIOS);",
    ]
    for index, scenario in enumerate(model.scenarios):
        words = ", ".join(map(_literal, scenario_words(scenario)))
        lines += [
            f"        // {scenario.name}",
            f"        rows[{index}] = IRiskEngine.Scenario({words});",
        ]
    lines += [
        "    }",
        "",
        "    /// @notice Where a scenario stands; tests name theirs, so that a new row moves none.",
        "    function indexOf(string memory name) internal pure returns (uint8) {",
        "        bytes32 hash = keccak256(bytes(name));",
    ]
    lines += [
        f'        if (hash == keccak256("{scenario.name}")) return {index};'
        for index, scenario in enumerate(model.scenarios)
    ]
    return "\n".join([*lines, "        revert(name);", "    }", "}", ""])


def _scan_lines(model: Model) -> list[str]:
    """What other contracts take: the rule of scan ranges, sigmas, limits, add-ons' rates."""
    indent = "            "
    lines = [
        "    function scanRule() internal pure returns (ScanLib.Rule memory) {",
        "        return ScanLib.Rule({",
        *_members([_camel(name) for name in SCAN_RULE_LIMITS], scan_words(model.scan), indent),
        "        });",
        "    }",
        "",
        "    function sigmas() internal pure returns (ScanLib.Sigmas[] memory rows) {",
        f"        rows = new ScanLib.Sigmas[]({len(model.underlyings)});",
    ]
    for index, risk in enumerate(model.underlyings):
        members = zip(SIGMAS, sigma_words(risk), strict=True)
        words = ", ".join(f"{name}: {word}" for name, word in members)
        lines.append(f"        rows[{index}] = ScanLib.Sigmas({{{words}}});")
    lines += [
        "    }",
        "",
        "    function limits() internal pure returns (SpeedLib.Limits[] memory rows) {",
        f"        rows = new SpeedLib.Limits[]({len(model.underlyings)});",
    ]
    for index, risk in enumerate(model.underlyings):
        lines += [
            f"        rows[{index}] = SpeedLib.Limits({{",
            *_members(LIMITS, limit_words(risk), indent),
            "        });",
        ]
    names = [_camel(f.name) for f in fields(AddOnRules)]
    return [
        *lines,
        "    }",
        "",
        "    function addOnRules() internal pure returns (IInitialAddOns.Rules memory) {",
        "        return IInitialAddOns.Rules({",
        *_members(names, add_on_words(model.add_ons), indent),
        "        });",
        "    }",
        "",
    ]


def _members(names: Sequence[str], words: Sequence[int], indent: str) -> list[str]:
    pairs = [f"{indent}{name}: {_literal(w)}" for name, w in zip(names, words, strict=True)]
    return [f"{pair}," for pair in pairs[:-1]] + pairs[-1:]


def _factor_words(model: Model) -> list[int]:
    return [getattr(model.factors, f.name) for f in fields(Factors)]


def _literal(word: int) -> str:
    return str(word).lower()


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def main() -> int:
    """Write the library, or with --check exit 1 where it is not what the model says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    text = rendered(read_model(ROOT / "config" / "model.toml"))
    if parser.parse_args().check:
        return 0 if TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
