// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HaircutLib} from "../../src/libraries/HaircutLib.sol";
import {Assertions} from "../support/Assertions.sol";

/// @notice What tokens are worth against tests/vectors/collateral.json, which keeper/margin/collateral.py computed: equal to the unit.
contract CollateralDifferentialTest is Assertions {
    function test_value_vectors_areEqual() public view {
        string memory json = vm.readFile("../tests/vectors/collateral.json");
        uint256[] memory amount = vm.parseJsonUintArray(json, ".amount");
        uint256[] memory decimals = vm.parseJsonUintArray(json, ".decimals");
        uint256[] memory price = vm.parseJsonUintArray(json, ".price_e8");
        uint256[] memory haircut = vm.parseJsonUintArray(json, ".haircut_wad");
        uint256[] memory expected = vm.parseJsonUintArray(json, ".value_usd6");
        assertEq(expected.length, 120, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            uint256 value = HaircutLib.value(amount[i], price[i], haircut[i], uint8(decimals[i]));
            assertEq(value, expected[i], vm.toString(i));
        }
    }
}
