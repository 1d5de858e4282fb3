// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InsuranceFund} from "./InsuranceFund.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IInsuranceFund} from "./interfaces/IInsuranceFund.sol";
import {ILiquidationAuction} from "./interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ITreasury} from "./interfaces/ITreasury.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {LeakyBucketLib} from "./libraries/LeakyBucketLib.sol";
import {ReducingTrades} from "./ReducingTrades.sol";
import {Leg} from "./types/Types.sol";

/// @title Liquidation auction
/// @notice See {ILiquidationAuction}, which documents every entry point, event and error.
contract LiquidationAuction is ILiquidationAuction, ReducingTrades {
    using LeakyBucketLib for LeakyBucketLib.Bucket;

    int256 internal constant WAD = 1e18;
    /// @dev Time to pay in before the line begins, and how much of it an account has in a day.
    uint256 internal constant GRACE = 10 minutes;
    uint256 internal constant GRACE_A_DAY = 30 minutes;
    /// @dev How long a book is on offer at the end of its line before the Backstop takes it.
    uint256 internal constant UNSOLD_AFTER = 15 minutes;
    /// @dev A feed that goes down and up again for longer holds up nothing any more.
    uint256 internal constant LONGEST_WAIT = 7 days;

    ITreasury public immutable treasury;
    /// @inheritdoc ILiquidationAuction
    IInsuranceFund public immutable fund;
    /// @notice Blocks after the use of a leaf in which a flag grants no grace.
    uint64 public immutable epochBlocks;
    /// @notice The underlying whose spot is the price of gas.
    uint16 public immutable gasUnderlying;

    /// @inheritdoc ILiquidationAuction
    uint256 public worstPayout;
    uint96 private _backstopBooks;
    mapping(bytes32 account => Auction) private _auctions;
    mapping(bytes32 account => LeakyBucketLib.Bucket) private _grace;
    mapping(address owner => mapping(address bidder => bool)) public isApprovedBidder;

    /// @dev An account as the engine sees it at the confirmed marks; the last four look at every world.
    struct Health {
        int256 equity;
        uint256 required;
        uint256 initial;
        uint256 worstLoss;
        uint256 standard;
        uint8 worstScenario;
        uint256 legs;
        bool divisible;
        int256 leastEquity;
        bool deep;
        bool healthy;
        int256 healthyEquity;
        uint256 healthyRequired;
    }

    constructor(address clearinghouse_, address engine_, uint64 epochBlocks_, uint16 gasUnderlying_)
        ReducingTrades(clearinghouse_, engine_)
    {
        treasury = IClearinghouse(clearinghouse_).treasury();
        fund = new InsuranceFund(clearinghouse_);
        epochBlocks = epochBlocks_;
        gasUnderlying = gasUnderlying_;
    }

    /* FLAG */

    /// @inheritdoc ILiquidationAuction
    function flag(bytes32 account, uint8 scenario) external {
        if (_auctions[account].startedAt != 0) revert AlreadyFlagged(account);
        (Leg[] memory legs, int256 cash) = clearinghouse.settledBook(account);
        if (_isSold(account, legs)) revert NoPositions(account);
        Health memory health = _inAllWorlds(legs, cash, uint256(1) << scenario);
        if (health.healthy) revert Healthy(account, health.healthyEquity, health.healthyRequired);
        uint64 startsAt = uint64(block.timestamp + _useGrace(account, health.deep));
        Auction storage opened = _auctions[account];
        (opened.startedAt, opened.scenario, opened.flagger) = (startsAt, scenario, msg.sender);
        _book(account, opened, health);
        clearinghouse.lock(account);
        emit Flagged(account, msg.sender, scenario, health.equity, health.required, startsAt);
    }

    /// @dev Short of half of the requirement, or fresh from a leaf that let it go so far, an account is not waited for.
    function _useGrace(bytes32 account, bool deep) private returns (uint256 grace) {
        if (deep) return 0;
        uint256 permitted = clearinghouse.accountState(account).lastPermitBlock;
        if (permitted != 0 && block.number <= permitted + epochBlocks) return 0;
        LeakyBucketLib.Bucket storage bucket = _grace[account];
        uint256 used = bucket.used(GRACE_A_DAY, 1 days);
        grace = GRACE_A_DAY - used < GRACE ? GRACE_A_DAY - used : GRACE;
        bucket.set(used + grace);
    }

    /* BID */

    /// @inheritdoc ILiquidationAuction
    function bid(bytes32 account, bytes32 buyer, uint256 fraction, int256 minCashToBuyer, uint64 deadline)
        external
        returns (uint256 sold)
    {
        Auction storage open = _open(account);
        _requireBidder(buyer);
        if (deadline < block.timestamp) revert BidExpired(deadline, block.timestamp);
        (Leg[] memory legs, int256 cash) = clearinghouse.settledBook(account);
        if (_isSold(account, legs)) {
            _empty(account);
            return 0;
        }
        Health memory health = _healthForSale(account, open, legs, cash);
        uint256 begins = _beginsAt(open);
        if (block.timestamp < begins && !health.deep) revert InGrace(account, begins);
        sold = _sell(account, buyer, fraction, health, minCashToBuyer);
        _payBounties(account, open, legs.length, buyer);
        _afterSale(account, open, health, sold);
    }

    /// @inheritdoc ILiquidationAuction
    function approveBidder(address bidder, bool approved) external {
        isApprovedBidder[msg.sender][bidder] = approved;
        emit BidderApproved(msg.sender, bidder, approved);
    }

    function _requireBidder(bytes32 buyer) private view {
        address owner = address(bytes20(buyer));
        if (owner != msg.sender && !isApprovedBidder[owner][msg.sender]) revert NotBuyer(msg.sender, buyer);
    }

    /// @dev The grid once, then its worst scenario; that one alone never ends what the grid began. Backstop's books are for sale
    /// whatever their health.
    function _healthForSale(bytes32 account, Auction storage open, Leg[] memory legs, int256 cash)
        private
        returns (Health memory health)
    {
        bool always = _isBackstop(account);
        if (open.gridRun) {
            health = _inAllWorlds(legs, cash, uint256(1) << open.scenario);
            if (always || !health.healthy) return health;
        }
        health = _inAllWorlds(legs, cash, engine.gridMask());
        if (health.healthy && !always) revert Healthy(account, health.healthyEquity, health.healthyRequired);
        (open.scenario, open.gridRun) = (health.worstScenario, true);
    }

    function _sell(bytes32 account, bytes32 buyer, uint256 wanted, Health memory health, int256 minCashToBuyer)
        private
        returns (uint256 sold)
    {
        Auction storage open = _auctions[account];
        int256 price = line(account, health.equity);
        sold = _share(account, wanted, health, price, open.fractionSold);
        // Legs move at marks; the buyer's share of equity less his share of the line comes with them as cash.
        int256 cashToBuyer = (health.equity - price) * int256(sold) / WAD;
        if (cashToBuyer < minCashToBuyer) revert DiscountTooSmall(cashToBuyer, minCashToBuyer);
        uint256 scaledInitial = (health.initial * sold + uint256(WAD) - 1) / uint256(WAD);
        bool first = open.fractionSold == 0;
        open.fractionSold += uint64((uint256(WAD) - open.fractionSold) * sold / uint256(WAD));
        uint256 moved = clearinghouse.transferBook(account, buyer, first, open.fractionSold, cashToBuyer, scaledInitial);
        emit Bid(account, buyer, sold, health.equity, price, cashToBuyer, moved);
    }

    /// @dev A book of the Backstop has no health to be restored: all of it is on sale.
    function _share(bytes32 account, uint256 wanted, Health memory health, int256 price, uint256 alreadySold)
        private
        view
        returns (uint256)
    {
        uint256 initial = _isBackstop(account) ? type(uint128).max : health.initial;
        return AuctionLib.share(wanted, health.equity, price, initial, health.legs, alreadySold, health.divisible);
    }

    /// @dev The seller's loss is what it was but for the share sold, of which the line's part stays with him.
    function _afterSale(bytes32 account, Auction storage open, Health memory health, uint256 sold) private {
        if (_isSold(account, clearinghouse.legsOf(account))) return _empty(account);
        if (health.leastEquity > 0) health.worstLoss = health.worstLoss * (uint256(WAD) - sold) / uint256(WAD);
        _book(account, open, health);
    }

    /* BACKSTOP */

    /// @inheritdoc ILiquidationAuction
    function takeOver(bytes32 account) external returns (bytes32 backstop) {
        Auction storage open = _open(account);
        if (_isBackstop(account)) revert OfBackstop(account);
        uint256 from = _beginsAt(open) + AuctionLib.DURATION + UNSOLD_AFTER;
        if (block.timestamp < from) revert NotUnsold(account, from);
        (Leg[] memory legs, int256 cash) = clearinghouse.settledBook(account);
        if (_isSold(account, legs)) {
            _empty(account);
            return 0;
        }
        Health memory health = _healthForSale(account, open, legs, cash);
        backstop = bytes32(uint256(backstopAccount()) | ++_backstopBooks);
        // At the end of the line that is min(0, equity), for everything.
        _sell(account, backstop, uint256(WAD), health, type(int256).min);
        Auction storage again = _auctions[backstop];
        (again.startedAt, again.scenario, again.gridRun) = (uint64(block.timestamp), open.scenario, true);
        // It takes the book at min(0, equity) of the confirmed marks, and may be short in another world.
        if (health.equity < 0) health.leastEquity -= health.equity;
        _book(backstop, again, health);
        clearinghouse.lock(backstop);
        _payBounties(account, open, legs.length, bytes32(bytes20(msg.sender)));
        emit TakenOver(account, backstop);
        _empty(account);
    }

    function _isBackstop(bytes32 account) private view returns (bool) {
        return address(bytes20(account)) == address(this);
    }

    /// @inheritdoc ILiquidationAuction
    function backstopAccount() public view returns (bytes32) {
        return bytes32(bytes20(address(this)));
    }

    /* ENDINGS */

    /// @inheritdoc ILiquidationAuction
    function cure(bytes32 account) external {
        _open(account);
        if (_isBackstop(account)) revert OfBackstop(account);
        (Leg[] memory legs,) = clearinghouse.settledBook(account);
        if (_isSold(account, legs)) return _empty(account);
        // Fills up the reserve, which the next flagger will live on.
        clearinghouse.unlock(account);
        (int256 equity, uint256 target) = _requireCured(account, legs);
        _close(account);
        treasury.reportLoss(account, 0);
        emit Cured(account, equity, target);
    }

    function _requireCured(bytes32 account, Leg[] memory legs) private view returns (int256 equity, uint256 target) {
        int256 cash = clearinghouse.netCash(account);
        IRiskEngine.Assessment[] memory books = engine.assessInAllWorlds(legs, 0);
        // The confirmed marks last: their figures are returned.
        for (uint256 i = 1; i <= books.length; ++i) {
            uint256 world = books.length - i;
            (equity, target) = (cash + books[world].value, books[world].standard);
            if (equity < int256(target)) {
                uint256 initial = _initialMargin(engine.assess(legs, engine.gridMask(), world));
                if (initial < target) target = initial;
            }
            if (equity < int256(target)) revert StillUnhealthy(account, equity, target);
        }
    }

    /// @dev Tokens alone are for sale where somebody has to be paid from them, and where the Backstop took them. Dust that is worth
    /// nothing pays nobody, and nobody could buy it.
    function _isSold(bytes32 account, Leg[] memory legs) private view returns (bool) {
        if (legs.length != 0) return false;
        (uint256 pledged,) = clearinghouse.collateral().valueOf(account);
        if (pledged == 0) return true;
        return !_isBackstop(account) && clearinghouse.netCash(account) >= 0;
    }

    /// @dev Flagger and first buyer are paid before anybody's loss is covered: the reserve was locked for them.
    function _empty(bytes32 account) private {
        _payBounties(account, _auctions[account], 0, 0);
        _close(account);
        clearinghouse.unlock(account);
        if (_isBackstop(account)) {
            clearinghouse.moveCash(account, backstopAccount(), clearinghouse.netCash(account));
            treasury.reportLoss(account, 0);
            account = backstopAccount();
        }
        emit Emptied(account, _reportDeficit(account));
    }

    function _restart(bytes32 account) internal override {
        // Another book, another worst scenario: by the old one its buyer might post next to nothing.
        (_auctions[account].fractionSold, _auctions[account].gridRun) = (0, false);
    }

    function _close(bytes32 account) private {
        worstPayout -= _auctions[account].worstPayout;
        delete _auctions[account];
    }

    /// @dev Once, from the reserve alone, with whatever share of the book is sold first.
    function _payBounties(bytes32 account, Auction storage open, uint256 legs, bytes32 buyer) private {
        address flagger = open.flagger;
        if (flagger == address(0)) return;
        open.flagger = address(0);
        (uint256 bounty, uint256 bonus) =
            AuctionLib.bounties(clearinghouse.accountState(account).reserve, legs, _gasPrice());
        clearinghouse.payReserve(account, bytes32(bytes20(flagger)), bounty);
        if (buyer != 0) clearinghouse.payReserve(account, buyer, bonus);
    }

    /// @dev Micro-dollars a million gas: wei a gas, times 1e6 gas, times 1e-8 dollars a coin of 1e18 wei.
    function _gasPrice() private view returns (uint256) {
        (uint64 spot,,,) = _spots.reading(gasUnderlying);
        return block.basefee * spot / 1e14;
    }

    /* LOSSES */

    /// @inheritdoc ILiquidationAuction
    function report(bytes32 account) external {
        Auction storage open = _open(account);
        (Leg[] memory legs, int256 cash) = clearinghouse.settledBook(account);
        if (_isSold(account, legs)) return _empty(account);
        _book(account, open, _inAllWorlds(legs, cash, uint256(1) << open.scenario));
    }

    /// @inheritdoc ILiquidationAuction
    function takeDeficit(bytes32 account) external returns (uint256 covered, uint256 remaining) {
        if (_auctions[account].startedAt != 0) revert AlreadyFlagged(account);
        (Leg[] memory legs,) = clearinghouse.settledBook(account);
        if (!_isSold(account, legs)) revert StillHoldsLegs(account);
        bool booked = treasury.lossOf(account) != 0;
        uint256 deficit = _reportDeficit(account);
        // What the owner has paid meanwhile is nobody's loss any more.
        if (deficit == 0 && !booked) revert NoDeficit(account);
        bytes32 backstop = backstopAccount();
        int256 own = account == backstop ? int256(0) : clearinghouse.netCash(backstop);
        if (own > 0) {
            covered = uint256(own) < deficit ? uint256(own) : deficit;
            clearinghouse.moveCash(backstop, account, int256(covered));
        }
        covered += fund.cover(account, deficit - covered);
        remaining = _reportDeficit(account);
        emit DeficitTaken(account, covered, remaining);
    }

    function _reportDeficit(bytes32 account) private returns (uint256 deficit) {
        int256 cash = clearinghouse.netCash(account);
        if (cash < 0) deficit = uint256(-cash);
        treasury.reportLoss(account, deficit);
    }

    /// @dev What a flagged account leaves to others now, and after its worst loss.
    function _book(bytes32 account, Auction storage open, Health memory health) private {
        uint256 loss = health.worstLoss;
        // Until the grid has run the scenario is whichever the flagger chose; standard margin stands in for the worst.
        if (!open.gridRun && loss < health.standard) loss = health.standard;
        int256 worst = int256(loss) - health.leastEquity;
        uint96 payout = worst > 0 ? uint96(uint256(worst)) : 0;
        worstPayout = worstPayout - open.worstPayout + payout;
        open.worstPayout = payout;
        treasury.reportLoss(account, health.leastEquity < 0 ? uint256(-health.leastEquity) : 0);
    }

    /* VIEWS */

    /// @inheritdoc ILiquidationAuction
    function auction(bytes32 account) external view returns (Auction memory) {
        return _auctions[account];
    }

    /// @inheritdoc ILiquidationAuction
    function line(bytes32 account, int256 equity) public view returns (int256) {
        uint256 begins = beginsAt(account);
        return AuctionLib.line(equity, block.timestamp > begins ? block.timestamp - begins : 0);
    }

    /// @inheritdoc ILiquidationAuction
    function beginsAt(bytes32 account) public view returns (uint256) {
        return _beginsAt(_open(account));
    }

    /// @dev Nobody could bid while the sequencer was down: that time has not passed for the owner.
    function _beginsAt(Auction storage open) private view returns (uint256) {
        if (block.timestamp > open.startedAt + LONGEST_WAIT) return open.startedAt;
        uint256 resumed = _spots.resumedAt();
        return resumed > open.startedAt ? resumed : open.startedAt;
    }

    function _open(bytes32 account) private view returns (Auction storage open) {
        open = _auctions[account];
        if (open.startedAt == 0) revert NotFlagged(account);
    }

    /* HEALTH */

    /// @dev Equity and loss of the same world each. One healthy world is enough to be let alone, a deep one to be in a hurry.
    function _inAllWorlds(Leg[] memory legs, int256 cash, uint256 mask) private view returns (Health memory health) {
        (health.legs, health.divisible) = (legs.length, AuctionLib.isDivisible(legs));
        IRiskEngine.Assessment[] memory books = engine.assessInAllWorlds(legs, mask);
        for (uint256 world; world < books.length; ++world) {
            IRiskEngine.Assessment memory a = books[world];
            int256 equity = cash + a.value;
            uint256 required = engine.maintenanceMargin(a);
            if (world == 0) {
                (health.equity, health.required, health.leastEquity) = (equity, required, equity);
                (health.worstLoss, health.worstScenario, health.standard) = (a.worstLoss, a.worstScenario, a.standard);
                health.initial = _initialMargin(a);
            }
            if (equity < health.leastEquity) health.leastEquity = equity;
            if (equity < int256(required / 2)) health.deep = true;
            if (equity >= int256(required)) {
                (health.healthy, health.healthyEquity, health.healthyRequired) = (true, equity, required);
            }
        }
    }

    function _initialMargin(IRiskEngine.Assessment memory a) private view returns (uint256) {
        uint256 initial = engine.initialMargin(a);
        return initial < a.standardInitial ? initial : a.standardInitial;
    }
}
