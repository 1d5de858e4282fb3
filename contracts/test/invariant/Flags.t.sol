// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {Liquidators} from "./Liquidators.sol";

/// @notice P1: an account that covers its standard margin at the marks of some world is untouchable. P2: no margin signature and no
/// silence changes who can be flagged. P9: no profit of options leaves as cash before it is realised.
contract FlagsInvariantTest is Liquidators {
    /// @dev Carries what a flag would do out of a call that is undone.
    error Undone();

    function _acts() internal view override returns (bytes4[] memory list) {
        list = new bytes4[](10);
        (list[0], list[1], list[2], list[3]) =
        (this.trade.selector, this.pairTrade.selector, this.takeOut.selector, this.leafWithdraw.selector);
        (list[4], list[5], list[6], list[7]) =
        (this.attest.selector, this.publish.selector, this.confirm.selector, this.govern.selector);
        (list[8], list[9]) = (this.market.selector, this.flag.selector);
    }

    function invariant_P1_healthyByStandardMargin_isUntouchable() public {
        _requireKept();
        bytes32 account = _who(acts).account;
        if (clearinghouse.legsOf(account).length == 0 || _isLocked(account) || !_coversStandard(account)) return;
        for (uint8 k; k < 3; ++k) {
            (bool flagged, bytes32 how) = _tryFlag(account, k == 0 ? FALL : k == 1 ? RISE : uint8(acts * 7 % 48));
            assertFalse(flagged, "flagged though it covers SM in some world");
            assertEq(how, bytes32(ILiquidationAuction.Healthy.selector), "for its health alone");
        }
    }

    function invariant_P2_flags_needNoSignatureAndNoSilence() public {
        bytes32 account = _who(acts).account;
        bytes32 honest = _outcomes(account);
        _stolenLeaf(account, uint256(keccak256(abi.encode(acts))) >> 2);
        assertEq(_outcomes(account), honest, "a leaf of no margin");
        _stolenLeaf(account, type(uint256).max >> 2);
        assertEq(_outcomes(account), honest, "a leaf of endless margin");
        vm.roll(block.number + 216_000);
        if (!oracle.discountStopped()) {
            vm.prank(guardian);
            oracle.stopDiscount();
        }
        assertEq(_outcomes(account), honest, "a month of silence, and the discount stopped");
        vm.etch(address(oracle), "");
        assertEq(_outcomes(account), honest, "nor an oracle");
    }

    function afterInvariant() public view {
        _requireBusy(8);
    }

    /// @dev What flag does with three scenarios, refusals with their numbers.
    function _outcomes(bytes32 account) private returns (bytes32 all) {
        for (uint256 k; k < 3; ++k) {
            (bool flagged,) = _tryFlag(account, k == 0 ? FALL : k == 1 ? RISE : uint8(acts * 7 % 49));
            all = keccak256(abi.encode(all, flagged, _reason));
        }
    }

    bytes private _reason;

    /// @dev Flags, learns what happens, and undoes it.
    function _tryFlag(bytes32 account, uint8 scenario) private returns (bool flagged, bytes32 how) {
        try this.flagAndUndo(account, scenario) {}
        catch (bytes memory reason) {
            _reason = reason;
            how = bytes32(bytes4(reason));
            flagged = bytes4(reason) == Undone.selector;
        }
    }

    function flagAndUndo(bytes32 account, uint8 scenario) external {
        _flag(account, scenario);
        revert Undone();
    }
}
