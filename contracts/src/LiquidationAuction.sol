// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {ILiquidationAuction} from "./interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {Leg} from "./types/Types.sol";

/// @title Liquidation auction
/// @notice See {ILiquidationAuction}, which documents every entry point, event and error.
contract LiquidationAuction is ILiquidationAuction {
    int256 internal constant WAD = 1e18;
    uint256 internal constant DURATION = 30 minutes;
    /// @dev The line starts a little over equity, so that the first price is fair to the owner.
    int256 internal constant LINE_START = 102e16;
    uint256 internal constant MIN_FRACTION = 1e17;

    IClearinghouse public immutable clearinghouse;
    IRiskEngine public immutable engine;

    mapping(bytes32 account => Auction) private _auctions;

    /// @dev A flagged account as the engine sees it.
    struct Health {
        int256 equity;
        uint256 required;
        uint256 standard;
        uint256 initial;
    }

    constructor(address clearinghouse_, address engine_) {
        clearinghouse = IClearinghouse(clearinghouse_);
        engine = IRiskEngine(engine_);
    }

    /* FLAG */

    /// @inheritdoc ILiquidationAuction
    function flag(bytes32 account, uint8 scenario) external {
        if (account == clearinghouse.lossReserveAccount()) revert ProtectedAccount(account);
        if (_auctions[account].startedAt != 0) revert AlreadyFlagged(account);
        clearinghouse.settle(account);
        Health memory health = _health(account, uint256(1) << scenario);
        if (health.equity >= int256(health.required)) revert Healthy(account, health.equity, health.required);
        _auctions[account] = Auction(uint64(block.timestamp), 0, scenario, msg.sender);
        clearinghouse.lock(account);
        emit Flagged(account, msg.sender, scenario, health.equity, health.required);
    }

    /* BID */

    /// @inheritdoc ILiquidationAuction
    function bid(bytes32 account, bytes32 buyer, uint256 fraction, int256 minCashToBuyer, uint64 deadline)
        external
        returns (uint256 sold)
    {
        Auction storage open = _auctions[account];
        if (open.startedAt == 0) revert NotFlagged(account);
        if (address(bytes20(buyer)) != msg.sender) revert NotBuyer(msg.sender, buyer);
        if (deadline < block.timestamp) revert BidExpired(deadline, block.timestamp);
        clearinghouse.settle(account);
        if (clearinghouse.legsOf(account).length == 0) {
            _empty(account);
            return 0;
        }
        Health memory health = _health(account, engine.gridMask());
        if (health.equity >= int256(health.required)) revert Healthy(account, health.equity, health.required);
        sold = _share(account, fraction, health, open.fractionSold);
        _sell(account, buyer, sold, health, minCashToBuyer);
        clearinghouse.payReserve(account, bytes32(bytes20(open.flagger)));
        if (clearinghouse.legsOf(account).length == 0) _empty(account);
    }

    function _sell(bytes32 account, bytes32 buyer, uint256 sold, Health memory health, int256 minCashToBuyer) private {
        Auction storage open = _auctions[account];
        int256 price = line(account, health.equity);
        // Legs move at marks; the buyer's share of equity less his share of the line comes with them as cash.
        int256 cashToBuyer = (health.equity - price) * int256(sold) / WAD;
        if (cashToBuyer < minCashToBuyer) revert DiscountTooSmall(cashToBuyer, minCashToBuyer);
        uint256 cumulative = open.fractionSold + (uint256(WAD) - open.fractionSold) * sold / uint256(WAD);
        open.fractionSold = uint64(cumulative);
        uint256 scaledInitial = (health.initial * sold + uint256(WAD) - 1) / uint256(WAD);
        uint256 moved = clearinghouse.transferBook(account, buyer, cumulative, cashToBuyer, scaledInitial);
        emit Bid(account, buyer, sold, health.equity, price, cashToBuyer, moved);
    }

    /// @dev The share that restores health solves E(1-f) + f*line >= (1-f)*IM, with a percent over IM because lots are rounded;
    /// the whole book when the line is at or below zero, or when every leg is too small to be divided.
    function _share(bytes32 account, uint256 wanted, Health memory health, uint64 alreadySold)
        private
        view
        returns (uint256)
    {
        uint256 whole = uint256(WAD);
        int256 price = line(account, health.equity);
        if (_isIndivisible(account)) return whole;
        uint256 most = whole;
        if (price > 0) {
            int256 gap = int256(health.initial * 101 / 100) - health.equity;
            most = uint256((gap * WAD + (gap + price) - 1) / (gap + price));
        }
        uint256 cut = wanted < most ? wanted : most;
        if (cut < MIN_FRACTION) cut = MIN_FRACTION;
        uint256 left = (whole - alreadySold) * (whole - cut) / whole;
        return left < MIN_FRACTION ? whole : cut;
    }

    /// @dev A tenth of fewer than ten lots may round to nothing.
    function _isIndivisible(bytes32 account) private view returns (bool) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].lots >= 10 || legs[i].lots <= -10) return false;
        }
        return true;
    }

    /* CURE */

    /// @inheritdoc ILiquidationAuction
    function cure(bytes32 account) external {
        if (_auctions[account].startedAt == 0) revert NotFlagged(account);
        clearinghouse.settle(account);
        if (clearinghouse.legsOf(account).length == 0) {
            _empty(account);
            return;
        }
        Health memory health = _health(account, 0);
        uint256 target = health.standard;
        if (health.equity < int256(target)) {
            health = _health(account, engine.gridMask());
            if (health.initial < target) target = health.initial;
        }
        if (health.equity < int256(target)) revert StillUnhealthy(account, health.equity, target);
        _end(account, health.equity, target);
    }

    function _end(bytes32 account, int256 equity, uint256 required) private {
        delete _auctions[account];
        clearinghouse.unlock(account);
        emit Cured(account, equity, required);
    }

    /// @inheritdoc ILiquidationAuction
    function takeDeficit(bytes32 account) external returns (uint256 covered, uint256 remaining) {
        if (_auctions[account].startedAt != 0) revert AlreadyFlagged(account);
        clearinghouse.settle(account);
        if (clearinghouse.netCash(account) >= 0) revert NoDeficit(account);
        (covered, remaining) = clearinghouse.coverDeficit(account);
        emit DeficitTaken(account, covered, remaining);
    }

    /// @dev The flagger is paid before anybody's loss is covered: the reserve was locked for him.
    function _empty(bytes32 account) private {
        clearinghouse.payReserve(account, bytes32(bytes20(_auctions[account].flagger)));
        delete _auctions[account];
        (uint256 covered, uint256 remaining) = clearinghouse.coverDeficit(account);
        clearinghouse.unlock(account);
        emit Emptied(account, covered, remaining);
    }

    /* VIEWS */

    /// @inheritdoc ILiquidationAuction
    function auction(bytes32 account) external view returns (Auction memory) {
        return _auctions[account];
    }

    /// @inheritdoc ILiquidationAuction
    function line(bytes32 account, int256 equity) public view returns (int256) {
        uint64 startedAt = _auctions[account].startedAt;
        if (startedAt == 0) revert NotFlagged(account);
        if (equity <= 0) return equity;
        uint256 elapsed = block.timestamp - startedAt;
        if (elapsed >= DURATION) return 0;
        return equity * LINE_START / WAD * int256(DURATION - elapsed) / int256(DURATION);
    }

    function _health(bytes32 account, uint256 mask) private view returns (Health memory health) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        if (legs.length == 0) revert NoPositions(account);
        IRiskEngine.Assessment memory a = engine.assess(legs, mask, 0);
        health.equity = clearinghouse.netCash(account) + a.value;
        health.required = engine.maintenanceMargin(a);
        health.standard = a.standard;
        uint256 initial = engine.initialMargin(a);
        health.initial = initial < a.standardInitial ? initial : a.standardInitial;
    }
}
