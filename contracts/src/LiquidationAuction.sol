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
        uint8 worstScenario;
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
        _auctions[account] = Auction(uint64(block.timestamp), 0, scenario, false, msg.sender);
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
        Health memory health = _health(account, open.gridRun ? uint256(1) << open.scenario : engine.gridMask());
        if (!open.gridRun) (open.gridRun, open.scenario) = (true, health.worstScenario);
        if (health.equity >= int256(health.required)) {
            _end(account, health.equity, health.required);
            return 0;
        }
        sold = _cut(fraction, health, line(account, health.equity), open.fractionSold);
        _sell(account, buyer, sold, health.equity, minCashToBuyer);
        _payBounty(account, open.flagger);
        if (clearinghouse.legsOf(account).length == 0) _empty(account);
    }

    function _sell(bytes32 account, bytes32 buyer, uint256 sold, int256 equity, int256 minCashToBuyer) private {
        Auction storage open = _auctions[account];
        int256 price = line(account, equity);
        // Legs move at marks; the buyer's share of equity less his share of the line comes with them as cash.
        int256 cashToBuyer = (equity - price) * int256(sold) / WAD;
        if (cashToBuyer < minCashToBuyer) revert DiscountTooSmall(cashToBuyer, minCashToBuyer);
        uint256 remaining = uint256(WAD) - open.fractionSold;
        uint256 cumulative = open.fractionSold + remaining * sold / uint256(WAD);
        if (sold == uint256(WAD)) cumulative = uint256(WAD);
        open.fractionSold = uint64(cumulative);
        uint256 moved = clearinghouse.transferBook(account, buyer, cumulative, cashToBuyer);
        emit Bid(account, buyer, sold, equity, price, cashToBuyer, moved);
    }

    /// @dev Cuts a bid to the share that restores health: E(1-f) + f*line >= (1-f)*IM/MM*MM. The whole book when the line
    /// is at or below zero. A remainder too small to be worth a bid goes along.
    function _cut(uint256 wanted, Health memory health, int256 price, uint64 alreadySold)
        private
        pure
        returns (uint256)
    {
        uint256 most = uint256(WAD);
        if (price > 0) {
            int256 gap = int256(health.initial) - health.equity;
            most = uint256((gap * WAD + (gap + price) - 1) / (gap + price));
        }
        if (wanted < MIN_FRACTION && wanted < most) revert FractionTooSmall(wanted, MIN_FRACTION);
        uint256 cut = wanted < most ? wanted : most;
        uint256 left = (uint256(WAD) - alreadySold) * (uint256(WAD) - cut) / uint256(WAD);
        return left < MIN_FRACTION ? uint256(WAD) : cut;
    }

    function _payBounty(bytes32 account, address flagger) private {
        clearinghouse.payReserve(account, bytes32(bytes20(flagger)));
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

    function _empty(bytes32 account) private {
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
        IRiskEngine.Assessment memory a = engine.assess(legs, mask);
        health.equity = clearinghouse.netCash(account) + a.value;
        health.required = engine.maintenanceMargin(a);
        health.standard = a.standard;
        uint256 initial = engine.initialMargin(a);
        health.initial = initial < a.standardInitial ? initial : a.standardInitial;
        health.worstScenario = a.worstScenario;
    }
}
