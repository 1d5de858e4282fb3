// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {ExpiryQuote, StoredQuote} from "../../src/types/Types.sol";
import {Liquidators} from "./Liquidators.sol";

/// @notice P8: with all feed keys, marks move within any 24 hours by the table's own shock at most, and by one shock more for every world
/// that was pending ten minutes in the open and then confirmed; of those there are four.
contract FeedKeysInvariantTest is Liquidators {
    /// @dev A mark of the perpetual and of the far expiry. `worlds` were confirmed up to then.
    struct Mark {
        uint256 time;
        uint256 worlds;
        uint256 perpetual;
        uint256 forward;
        int256 variance;
    }

    mapping(uint16 underlying => Mark[]) private _marks;

    function _acts() internal view override returns (bytes4[] memory list) {
        list = new bytes4[](5);
        (list[0], list[1], list[2], list[3]) =
        (this.publish.selector, this.confirm.selector, this.sleep.selector, this.market.selector);
        list[4] = this.push.selector;
    }

    /// @dev One to eleven hours without a word.
    function sleep(uint256 word) external act {
        vm.warp(vm.getBlockTimestamp() + 1 hours + word % 10 hours);
    }

    /// @dev Thieves in a hurry: a world as far up as it goes, confirmed ten minutes later, six hours after the last.
    function push(uint256 word) external act {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        vm.warp(vm.getBlockTimestamp() + 6 hours);
        for (uint256 far = 95; far > 30; far -= 10) {
            try this.open(u, far) {
                if (feeds.hasPendingWorld(u)) return this.confirm(word);
            } catch {}
        }
        revert("refused");
    }

    /// @dev Forwards and vols up by this percentage of the limits.
    function open(uint16 u, uint256 percent) external {
        ExpiryQuote[] memory q = _present(u, 0);
        SpeedLib.Limits memory limit = feeds.limits(u);
        uint256 ratio = _exp(limit.ratio * percent / 100);
        uint256 variance = _exp(2 * limit.volUp * percent / 100);
        for (uint256 i; i < q.length; ++i) {
            q[i].ratio = uint64(q[i].ratio * ratio / 1e18);
            q[i].a = int64(int256(q[i].a) * int256(variance) / 1e18);
            q[i].b = int64(int256(q[i].b) * int256(variance) / 1e18);
        }
        _update(u, q);
    }

    function _exp(uint256 x) private pure returns (uint256) {
        return uint256(FixedPointMathLib.expWad(int256(x)));
    }

    function invariant_P8_marks_staysWithinTheShockOfADay() public view {
        _requireKept();
    }

    function afterInvariant() public view {
        _requireBusy(10);
        assertLt(0, confirmed[BTC] + confirmed[ETH], "some world was confirmed");
    }

    /* HISTORY */

    function _after() internal override {
        _look(BTC);
        _look(ETH);
    }

    function _look(uint16 u) private {
        Mark memory present = _markOf(u);
        SpeedLib.Limits memory limit = feeds.limits(u);
        for (uint256 i = _marks[u].length; i > 0; --i) {
            Mark storage past = _marks[u][i - 1];
            if (present.time - past.time > 24 hours) break;
            uint256 worlds = present.worlds - past.worlds;
            _hold(worlds <= 5, "P8: more than four worlds in a day, and the one before it");
            int256 most = int256(1 + worlds);
            int256 ratio = int256(uint256(limit.ratio)) * most;
            _hold(_distance(past.perpetual, present.perpetual) <= ratio, "P8: the perpetual left its limit of a day");
            _hold(_distance(past.forward, present.forward) <= ratio, "P8: a forward left its limit of a day");
            int256 vol = 2 * most * int256(_volLimit(limit.volUp, limit.volMost));
            int256 variance = _distance(uint256(past.variance), uint256(present.variance));
            _hold(variance <= vol, "P8: a smile left its limit of a day");
        }
        _marks[u].push(present);
    }

    function _markOf(uint16 u) private view returns (Mark memory m) {
        StoredQuote memory far = feeds.quote(u, FAR);
        (m.time, m.worlds) = (vm.getBlockTimestamp(), confirmed[u]);
        (m.perpetual, m.forward) = (feeds.quote(u, 0).ratio, far.ratio);
        // Variance at the forward: a + b (sqrt(m^2 + s^2) - rho m).
        int256 root = int256(FixedPointMathLib.sqrt(uint256(int256(far.m) * far.m + int256(far.sigma) * far.sigma)));
        m.variance = int256(far.a) + int256(far.b) * (root - int256(far.rho) * far.m / 1e18) / 1e18;
    }

    /// @dev The distance of two logarithms, wad, less the dust of integers.
    function _distance(uint256 from, uint256 to) private pure returns (int256 distance) {
        distance = FixedPointMathLib.lnWad(int256(to * 1e18 / from));
        if (distance < 0) distance = -distance;
        distance -= 1e4;
    }

    /// @dev At the shortest that the far expiry has been: limits grow towards expiry.
    function _volLimit(uint256 level, uint256 most) private view returns (uint256) {
        uint256 left = FAR > vm.getBlockTimestamp() + 69_120 ? FAR - vm.getBlockTimestamp() : 69_120;
        uint256 limit = level * FixedPointMathLib.sqrt(uint256(30 days) * 1e36 / left) / 1e18;
        return limit < most ? limit : most;
    }
}
