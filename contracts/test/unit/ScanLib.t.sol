// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScanLib} from "../../src/libraries/ScanLib.sol";
import {Assertions} from "../support/Assertions.sol";

contract ScanLibTest is Assertions {
    uint64 private constant WAD = 1e18;

    function test_requireValid_eachMemberAtItsBounds_passesAndBeyondReverts() public {
        this.valid(_rule(10 * WAD, WAD - 1, WAD, WAD, WAD, 2 * WAD, WAD));
        this.valid(_rule(1, 1, 0, 1, 1, WAD, 1));
        _refused("kappa", 0, _rule(0, 1, 0, 1, 1, WAD, 1));
        _refused("kappa", 10 * WAD + 1, _rule(10 * WAD + 1, 1, 0, 1, 1, WAD, 1));
        _refused("decay", 0, _rule(1, 0, 0, 1, 1, WAD, 1));
        _refused("decay", WAD, _rule(1, WAD, 0, 1, 1, WAD, 1));
        _refused("stressWeight", WAD + 1, _rule(1, 1, WAD + 1, 1, 1, WAD, 1));
        _refused("winsor", 0, _rule(1, 1, 0, 0, 1, WAD, 1));
        _refused("winsor", WAD + 1, _rule(1, 1, 0, WAD + 1, 1, WAD, 1));
        _refused("cap", 0, _rule(1, 1, 0, 1, 0, WAD, 1));
        _refused("cap", WAD + 1, _rule(1, 1, 0, 1, WAD + 1, WAD, 1));
        _refused("rise", WAD - 1, _rule(1, 1, 0, 1, 1, WAD - 1, 1));
        _refused("rise", 2 * WAD + 1, _rule(1, 1, 0, 1, 1, 2 * WAD + 1, 1));
        _refused("fall", 0, _rule(1, 1, 0, 1, 1, WAD, 0));
        _refused("fall", WAD + 1, _rule(1, 1, 0, 1, 1, WAD, WAD + 1));
    }

    function test_requireValid_sigmasAtTheirBounds_passAndBeyondRevert() public {
        this.validSigmas(ScanLib.Sigmas(1, 10 * WAD));
        this.validSigmas(ScanLib.Sigmas(10 * WAD, 1));
        _refusedSigmas("sigmaFloor", 0, ScanLib.Sigmas(0, 1));
        _refusedSigmas("sigmaFloor", 10 * WAD + 1, ScanLib.Sigmas(10 * WAD + 1, 1));
        _refusedSigmas("sigmaStress", 0, ScanLib.Sigmas(1, 0));
        _refusedSigmas("sigmaStress", 10 * WAD + 1, ScanLib.Sigmas(1, 10 * WAD + 1));
    }

    function valid(ScanLib.Rule memory rule) external pure {
        ScanLib.requireValid(rule);
    }

    function validSigmas(ScanLib.Sigmas memory sigmas) external pure {
        ScanLib.requireValid(sigmas);
    }

    function _refused(bytes32 member, uint256 value, ScanLib.Rule memory rule) private {
        vm.expectRevert(abi.encodeWithSelector(ScanLib.InvalidScanRule.selector, member, value));
        this.valid(rule);
    }

    function _refusedSigmas(bytes32 member, uint256 value, ScanLib.Sigmas memory sigmas) private {
        vm.expectRevert(abi.encodeWithSelector(ScanLib.InvalidScanRule.selector, member, value));
        this.validSigmas(sigmas);
    }

    function _rule(uint64 kappa, uint64 decay, uint64 stress, uint64 winsor, uint64 cap, uint64 rise, uint64 fall)
        private
        pure
        returns (ScanLib.Rule memory)
    {
        return ScanLib.Rule(kappa, decay, stress, winsor, cap, rise, fall);
    }
}
