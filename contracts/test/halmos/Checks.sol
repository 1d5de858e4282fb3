// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AuctionLib} from "../../src/libraries/AuctionLib.sol";
import {NotionalLib} from "../../src/libraries/NotionalLib.sol";
import {PositionsLib} from "../../src/libraries/PositionsLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {StoredQuote} from "../../src/types/Types.sol";

/// @notice Properties that halmos proves for every input within the bounds that each states; `make halmos`, docs/invariants.md. The
/// controls in controls.toml break one line each, and halmos must refute the check then.
contract LineChecks {
    /// @dev Between min(0, equity) and 1.02 of equity, at any time. Equity up to 2^40 micro-dollars, a million dollars.
    function check_line_isBetweenTheEndAndTheStart(int48 equity, uint16 elapsed) external pure {
        if (equity >= 2 ** 40) return;
        int256 line = AuctionLib.line(equity, elapsed);
        if (equity <= 0) {
            assert(line == equity);
        } else {
            assert(line >= 0);
            assert(line * 100 <= int256(equity) * 102);
        }
    }

    /// @dev It never rises. Equity up to 2^16 micro-dollars.
    function check_line_neverRises(uint16 equity, uint16 elapsed) external pure {
        if (elapsed >= AuctionLib.DURATION) return;
        int256 now_ = AuctionLib.line(int256(uint256(equity)), elapsed);
        assert(AuctionLib.line(int256(uint256(equity)), uint256(elapsed) + 1) <= now_);
    }

    /// @dev At its end nothing is asked for what is worth something.
    function check_line_endsAtZero(uint128 equity, uint32 later) external pure {
        assert(AuctionLib.line(int256(uint256(equity)), AuctionLib.DURATION + later) == 0);
    }
}

contract RoundingChecks {
    using PositionsLib for PositionsLib.Book;

    uint128 private constant ID = 1 << 112;
    uint256 private constant WAD = 1e18;

    PositionsLib.Book private _book;

    /// @dev Two sales up to F1 and then F2 move round(F2 * q) in all, for any lots and two steps of a hundredth each.
    function check_sales_roundingNeverAddsUp(int64 lots, uint8 first, uint8 second) external {
        if (lots == 0 || lots > 2 ** 12 || lots < -(2 ** 12)) return;
        if (first > second || second > 100) return;
        uint256 f2 = uint256(second) * 1e16;
        _book.add(ID, lots);
        _book.markBase();
        int64 one = _book.plannedSales(uint256(first) * 1e16)[0].lots;
        _book.add(ID, -one);
        int256 two = _book.count() == 0 ? int256(0) : int256(_book.plannedSales(f2)[0].lots);
        int256 size = lots < 0 ? -int256(lots) : int256(lots);
        int256 moved = lots < 0 ? -(one + two) : one + two;
        assert(2 * moved * int256(WAD) <= 2 * size * int256(f2) + int256(WAD));
        assert(2 * moved * int256(WAD) > 2 * size * int256(f2) - int256(WAD) || _book.count() == 0);
    }

    /// @dev The whole is all of it, whatever the lots; and no fraction moves more, nor the other way.
    function check_sales_wholeIsAll(int64 lots) external {
        if (lots == 0 || lots > PositionsLib.MAX_LOTS || lots < -PositionsLib.MAX_LOTS) return;
        _book.add(ID, lots);
        _book.markBase();
        assert(_book.plannedSales(WAD)[0].lots == lots);
    }

    function check_sales_neverMoreThanHeld(int64 lots, uint8 hundredths) external {
        if (lots == 0 || lots > 2 ** 16 || lots < -(2 ** 16) || hundredths > 100) return;
        _book.add(ID, lots);
        _book.markBase();
        int64 sold = _book.plannedSales(uint256(hundredths) * 1e16)[0].lots;
        assert(lots > 0 ? sold >= 0 && sold <= lots : sold <= 0 && sold >= lots);
    }
}

contract SettlementChecks {
    /// @dev A lot of a thousandth, as shipped. Both sides of a contract settle to zero in sum, or to one unit less. Any price, lots < 2^24.
    function check_settlement_bothSidesNeverCreateMoney(int64 lots, uint64 price) external pure {
        if (lots > PositionsLib.MAX_LOTS || lots < -PositionsLib.MAX_LOTS) return;
        int256 sum = NotionalLib.floored(lots, 1e15, int256(uint256(price)) * 1e10)
            + NotionalLib.floored(-lots, 1e15, int256(uint256(price)) * 1e10);
        assert(sum == 0 || sum == -1);
    }

    /// @dev What a buyer pays the seller receives.
    function check_trade_isZeroSum(int64 lots, uint64 price) external pure {
        if (lots > PositionsLib.MAX_LOTS || lots < -PositionsLib.MAX_LOTS) return;
        assert(
            NotionalLib.truncated(lots, 1e15, int256(uint256(price)) * 1e10)
                    + NotionalLib.truncated(-lots, 1e15, int256(uint256(price)) * 1e10) == 0
        );
    }
}

contract ClampChecks {
    /// @dev BTC's limits as shipped.
    function _limits() private pure returns (SpeedLib.Limits memory) {
        return SpeedLib.Limits(3e17, 18e16, 12e17, 92e15);
    }

    function _within(uint64 from, uint64 to, int256 divisor) private pure returns (bool) {
        StoredQuote memory a;
        StoredQuote memory b;
        (a.ratio, b.ratio) = (from, to);
        return SpeedLib.isWithin(a, b, _limits(), 0, divisor);
    }

    function _sane(uint64 ratio) private pure returns (bool) {
        return ratio >= 5e17 && ratio <= 2e18;
    }

    /// @dev The same seen from either end, for every pair of ratios within the hard bands.
    function check_clamp_isSymmetric(uint64 from, uint64 to) external pure {
        if (!_sane(from) || !_sane(to)) return;
        assert(_within(from, to, 3) == _within(to, from, 3));
    }

    /// @dev Down to the foot of one reference, up to its top, and from there up to the top of the next: three thirds lie within the
    /// whole, but for two units of a wad's last digits.
    function check_clamp_threeThirdsAreTheWhole(uint64 low, uint64 reference_, uint64 next, uint64 high) external pure {
        if (!_sane(low) || !_sane(reference_) || !_sane(next) || !_sane(high) || high < 3) return;
        if (!_within(reference_, low, 3) || !_within(reference_, next, 3) || !_within(next, high, 3)) return;
        assert(_within(low, high, 1) || _within(low, high - 2, 1) || _within(low + 2, high, 1));
    }

    /// @dev Nobody leaves the band: what is accepted is at most 3.12 % away.
    function check_clamp_thirdIsAThird(uint64 from, uint64 to) external pure {
        if (!_sane(from) || !_sane(to) || !_within(from, to, 3)) return;
        assert(uint256(to) * 10_000 <= uint256(from) * 10_312);
        assert(uint256(from) * 10_000 <= uint256(to) * 10_312);
    }
}
