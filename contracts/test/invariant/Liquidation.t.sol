// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Liquidators} from "./Liquidators.sol";

/// @notice P3: whoever is below its requirement can be flagged, and emptied or restored within a bounded number of calls, whatever was
/// done to it before. P7: a bidder gains the line's discount and the bonus out of the reserve, and nothing else.
contract LiquidationInvariantTest is Liquidators {
    /// @dev Flag, ten tenths of a book, the Backstop, and the same again for what a stale clock refused.
    uint256 private constant MOST_CALLS = 24;

    function _acts() internal view override returns (bytes4[] memory list) {
        list = new bytes4[](9);
        (list[0], list[1], list[2], list[3]) =
        (this.trade.selector, this.pairTrade.selector, this.takeOut.selector, this.leafWithdraw.selector);
        (list[4], list[5], list[6], list[7]) =
        (this.publish.selector, this.flag.selector, this.bid.selector, this.end.selector);
        list[8] = this.tokens.selector;
    }

    function invariant_P7_bidder_gainsTheLineAndTheResidue() public view {
        _requireKept();
    }

    /// @dev P3, at the end of every run: pending worlds have died, and the spots have fallen or risen once more.
    function afterInvariant() public {
        _requireBusy(6);
        uint256 down = acts % 2 == 0 ? 8_500 : 11_500;
        vm.stopPrank();
        _pass(31 minutes, _spotOf(BTC) * down / 10_000, _spotOf(ETH) * down / 10_000);
        uint256 n = ledger.length;
        for (uint256 i; i < n; ++i) {
            _empty(ledger[i]);
        }
    }

    function _empty(bytes32 account) private {
        for (uint256 calls; _isUnhealthy(account); ++calls) {
            assertLt(calls, MOST_CALLS, "P3: below its requirement, and neither emptied nor restored");
            if (!_isLocked(account)) {
                _flag(account, engine.assess(clearinghouse.legsOf(account), engine.gridMask(), 0).worstScenario);
                continue;
            }
            _pass(15 minutes, _spotOf(BTC), _spotOf(ETH));
            try this.buyAll(account) {}
            catch {
                _know(auction.takeOver(account));
            }
        }
    }

    function buyAll(bytes32 account) external {
        Actor memory buyer = liquidator;
        buyer.account = _account(liquidator.owner, 1_000 + bids++);
        _pay(buyer.account, 10_000_000e6);
        _bid(buyer, account, 1e18);
    }
}
