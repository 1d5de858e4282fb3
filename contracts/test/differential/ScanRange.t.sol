// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScanLib} from "../../src/libraries/ScanLib.sol";
import {Assertions} from "../support/Assertions.sol";

/// @notice The scan range of daily prices against tests/vectors/scan_range.json, which keeper/margin/volatility.py computed: equal to the
/// last unit.
contract ScanRangeDifferentialTest is Assertions {
    function test_scanRange_vectors_areEqual() public view {
        string memory json = vm.readFile("../tests/vectors/scan_range.json");
        uint256[] memory expected = vm.parseJsonUintArray(json, ".scan_range_wad");
        assertEq(expected.length, 40, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            string memory row = string.concat("[", vm.toString(i), "]");
            uint64[] memory r = _words(json, string.concat(".rule", row));
            uint64[] memory s = _words(json, string.concat(".sigmas", row));
            ScanLib.Rule memory rule = ScanLib.Rule(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
            ScanLib.requireValid(rule);
            uint64[] memory prices = _words(json, string.concat(".price_e8", row));
            assertEq(ScanLib.scanRange(prices, rule, ScanLib.Sigmas(s[0], s[1])), expected[i], row);
        }
    }

    function _words(string memory json, string memory key) private pure returns (uint64[] memory words) {
        uint256[] memory wide = vm.parseJsonUintArray(json, key);
        words = new uint64[](wide.length);
        for (uint256 i; i < wide.length; ++i) {
            words[i] = uint64(wide[i]);
        }
    }
}
