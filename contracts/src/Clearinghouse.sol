// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAttestationConfig} from "./interfaces/IAttestationConfig.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {IListings} from "./interfaces/IListings.sol";
import {IMarginOracle} from "./interfaces/IMarginOracle.sol";
import {IReducingTrades} from "./interfaces/IReducingTrades.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {ITreasury} from "./interfaces/ITreasury.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {LegsLib} from "./libraries/LegsLib.sol";
import {PositionsLib} from "./libraries/PositionsLib.sol";
import {Ledger} from "./Ledger.sol";
import {Listings} from "./Listings.sol";
import {Orders} from "./Orders.sol";
import {Treasury} from "./Treasury.sol";
import {Fill, Leg, MarginClaim, MarginRequest, Order} from "./types/Types.sol";

/// @title Clearinghouse
/// @notice See {IClearinghouse}, which documents every entry point, event and error.
contract Clearinghouse is Ledger, Orders, Ownable2Step, ReentrancyGuardTransient {
    using InstrumentLib for uint128;
    using LegsLib for Leg[];
    using PositionsLib for PositionsLib.Book;
    using SafeERC20 for IERC20;

    /// @dev Keeps every balance far inside the 64-bit integers of the snapshot body.
    uint256 internal constant MAX_DEPOSIT = 2 ** 60;

    /// @inheritdoc IClearinghouse
    address public immutable usdc;
    /// @inheritdoc IClearinghouse
    ITreasury public immutable treasury;
    /// @inheritdoc IClearinghouse
    IListings public immutable listings;
    IMarginOracle public immutable oracle;
    /// @inheritdoc IClearinghouse
    IGuard public immutable guard;
    ISpotFeeds private immutable _spots;

    address public auction;

    modifier onlyAuction() {
        if (msg.sender != auction) revert NotAuction(msg.sender);
        _;
    }

    constructor(address owner_, address usdc_, address engine_, address oracle_, address collateral_)
        Ledger(engine_, collateral_)
        Ownable(owner_)
    {
        usdc = usdc_;
        guard = IGuard(IAttestationConfig(oracle_).guard());
        _spots = ISpotFeeds(feeds.spots());
        treasury = new Treasury(usdc_, address(guard));
        listings = new Listings(engine_);
        oracle = IMarginOracle(oracle_);
    }

    /* OWNER */

    /// @notice Names the auction, once and for good.
    function connectAuction(address auction_) external onlyOwner {
        if (auction != address(0)) revert AlreadyConnected(auction);
        auction = auction_;
        treasury.connect(auction_);
        emit AuctionConnected(auction_);
    }

    /* CASH */

    /// @inheritdoc IClearinghouse
    function deposit(bytes32 account, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        if (amount > MAX_DEPOSIT) revert DepositTooLarge(amount, MAX_DEPOSIT);
        _accounts[account].cash += int128(uint128(amount));
        treasury.collect(msg.sender, amount);
        emit Deposited(account, msg.sender, amount);
    }

    /// @inheritdoc IClearinghouse
    function withdraw(bytes32 account, uint256 amount, address to, MarginClaim calldata claim) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _requireOwner(account);
        _requireUnlocked(account);
        _settle(account);
        int256 cash = _accounts[account].cash;
        if (cash < 0 || uint256(cash) < amount) revert InsufficientCash(account, cash, amount);
        _accounts[account].cash -= int128(uint128(amount));
        _requireInitialMargin(account, claim, true);
        uint256 paid = treasury.pay(to, amount);
        emit Withdrawn(account, to, amount, paid);
    }

    /// @inheritdoc IClearinghouse
    function releaseCollateral(bytes32 account, uint256 value, MarginClaim calldata claim)
        external
        nonReentrant
        returns (bool atOnce)
    {
        if (msg.sender != address(collateral)) revert NotCollateral(msg.sender);
        guard.requireOpen(IGuard.Switch.Withdrawals);
        _requireUnlocked(account);
        _settle(account);
        _requireInitialMargin(account, claim, true);
        return treasury.countOutflow(value);
    }

    /* SPOT TOKENS */

    /// @inheritdoc IClearinghouse
    function depositSpot(bytes32 account, uint16 underlying, uint64 lots) external nonReentrant {
        _requireOwner(account);
        _requireUnlocked(account);
        (uint128 id, address token, uint256 amount) = _spotTokens(underlying, lots, true);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert TransferShort(received, amount);
        _move(account, id, int64(lots), 0);
        _requireUnderCap(underlying, openInterest(id));
        _syncReserve(account);
        emit SpotDeposited(account, underlying, lots);
    }

    /// @inheritdoc IClearinghouse
    function withdrawSpot(bytes32 account, uint16 underlying, uint64 lots, address to) external nonReentrant {
        guard.requireOpen(IGuard.Switch.Withdrawals);
        _requireOwner(account);
        _requireUnlocked(account);
        _settle(account);
        (uint128 id, address token, uint256 amount) = _spotTokens(underlying, lots, false);
        _move(account, id, -int64(lots), 0);
        _syncReserve(account);
        MarginClaim memory none;
        _requireInitialMargin(account, none, true);
        // What was pledged against may be gone: no leaf of before counts any more.
        _accounts[account].voidSince = uint40(block.timestamp);
        IERC20(token).safeTransfer(to, amount);
        emit SpotWithdrawn(account, underlying, lots, to);
    }

    function _spotTokens(uint16 underlying, uint64 lots, bool adding) private view returns (uint128, address, uint256) {
        if (lots == 0 || lots > uint64(PositionsLib.MAX_LOTS)) revert InvalidLots(int256(uint256(lots)));
        return listings.spotTokens(underlying, lots, adding);
    }

    /* TRADING */

    /// @inheritdoc IClearinghouse
    function trade(
        Order calldata maker,
        bytes calldata makerSignature,
        Order calldata taker,
        bytes calldata takerSignature,
        uint64 lots,
        MarginClaim calldata makerClaim,
        MarginClaim calldata takerClaim
    ) external nonReentrant {
        _requireMatching(maker, taker, lots);
        int64 makerLots = maker.lots > 0 ? int64(lots) : -int64(lots);
        _fill(maker, makerSignature, makerLots);
        _fill(taker, takerSignature, -makerLots);
        _exchange(maker, taker, makerLots, makerClaim, takerClaim);
    }

    function _exchange(
        Order calldata maker,
        Order calldata taker,
        int64 makerLots,
        MarginClaim calldata makerClaim,
        MarginClaim calldata takerClaim
    ) private {
        _settle(maker.account);
        _settle(taker.account);
        _exchangeLots(maker, taker, makerLots);
        _requireMayTrade(maker.account, Fill(maker.instrument, makerLots, maker.limitPrice), makerClaim);
        _requireMayTrade(taker.account, Fill(maker.instrument, -makerLots, maker.limitPrice), takerClaim);
    }

    /// @dev The cap binds trades alone: what makes open interest no larger, and every sale of a flagged book, passes.
    function _exchangeLots(Order calldata maker, Order calldata taker, int64 makerLots) private {
        uint128 id = maker.instrument;
        uint16 underlying = id.underlyingOf();
        bool closing = listings.requireTradable(id, maker.limitPrice) || guard.isPaused(IGuard.Switch.NewRisk);
        uint64 before = openInterestOf[underlying];
        int256 notional = _notional(id, makerLots, maker.limitPrice);
        _trade(maker.account, id, makerLots, notional, closing);
        _trade(taker.account, id, -makerLots, -notional, closing);
        uint64 present = openInterestOf[underlying];
        if (present > before) _requireUnderCap(underlying, present);
        _emitTrade(maker, taker, makerLots);
    }

    function _requireUnderCap(uint16 underlying, uint64 lots) private view {
        uint64 cap = listings.openInterestCap(underlying);
        if (lots > cap) revert OpenInterestOverCap(underlying, lots, cap);
    }

    function _trade(bytes32 account, uint128 id, int64 lots, int256 notional, bool closing) private {
        int64 present = _move(account, id, lots, notional);
        if (closing && !AuctionLib.isReduced(present, lots)) revert CloseOnly(account, id);
        _syncReserve(account);
    }

    /// @dev What initial margin does not permit, and any trade of a flagged book, may still reduce.
    function _requireMayTrade(bytes32 account, Fill memory fill, MarginClaim calldata claim) private {
        if (!_accounts[account].locked) {
            (IMarginOracle.Permission memory permission, int256 cash) = _useInitialMargin(account, claim);
            if (_isEnough(permission, cash)) return;
            int64 present = _books[account].legs().lotsOf(fill.instrument);
            if (!AuctionLib.isReduced(present, fill.lots)) _refuse(account, permission, cash);
        }
        IReducingTrades(auction).afterTrade(account, fill);
    }

    function _emitTrade(Order calldata maker, Order calldata taker, int64 makerLots) private {
        bool makerBuys = makerLots > 0;
        emit Traded(
            makerBuys ? maker.account : taker.account,
            makerBuys ? taker.account : maker.account,
            maker.instrument,
            uint64(makerBuys ? makerLots : -makerLots),
            maker.limitPrice
        );
    }

    /* SETTLEMENT */

    /// @inheritdoc IClearinghouse
    function settle(bytes32 account) external nonReentrant returns (uint256 count) {
        (, count) = _settle(account);
    }

    /// @inheritdoc IClearinghouse
    function settledBook(bytes32 account) external nonReentrant returns (Leg[] memory legs, int256 cash) {
        (legs,) = _settle(account);
        cash = _netCash(account, legs);
    }

    /// @return legs what is left
    function _settle(bytes32 account) private returns (Leg[] memory legs, uint256 count) {
        legs = _books[account].legs();
        bool closed;
        for (uint256 i; i < legs.length; ++i) {
            uint128 id = legs[i].instrument;
            if (i == 0 || id.underlyingOf() != legs[i - 1].instrument.underlyingOf()) {
                closed = _spots.closedAt(id.underlyingOf()) != 0;
            }
            (bool due, uint64 price, uint64 payoff) = _settlementOf(id, closed);
            if (!due) continue;
            int64 lots = legs[i].lots;
            // Rounded down on both sides of every contract: settlement never pays out more than it takes in.
            int256 payout = _floorNotional(id, lots, payoff);
            _move(account, id, -lots, -payout);
            emit Settled(account, id, lots, price, payout);
            ++count;
        }
        if (count == 0) return (legs, 0);
        _releaseReserve(account);
        legs = _books[account].legs();
    }

    /// @dev An expiry at its price once that is fixed; all but SPOT at last marks once the underlying is wound down.
    function _settlementOf(uint128 id, bool closed) private view returns (bool due, uint64 price, uint64 payoff) {
        if (closed) {
            if (id.kindOf() == InstrumentLib.SPOT) return (false, 0, 0);
            price = engine.markOf(id);
            return (true, price, price);
        }
        if (id.expiryOf() == 0 || id.expiryOf() > block.timestamp) return (false, 0, 0);
        price = feeds.settlement(id.underlyingOf(), id.expiryOf());
        return (price != 0, price, _payoff(id, price));
    }

    function _payoff(uint128 id, uint64 price) private pure returns (uint64) {
        uint64 strike = id.strikeOf();
        if (id.kindOf() == InstrumentLib.CALL) return price > strike ? price - strike : 0;
        if (id.kindOf() == InstrumentLib.PUT) return strike > price ? strike - price : 0;
        return price;
    }

    /* AUCTION */

    /// @inheritdoc IClearinghouse
    function lock(bytes32 account) external onlyAuction {
        _accounts[account].locked = true;
        emit AccountLocked(account);
    }

    /// @inheritdoc IClearinghouse
    function unlock(bytes32 account) external onlyAuction {
        _accounts[account].locked = false;
        if (_books[account].count() != 0) _takeReserve(account);
        else _releaseReserve(account);
        emit AccountUnlocked(account);
    }

    /// @inheritdoc IClearinghouse
    function transferBook(
        bytes32 from,
        bytes32 to,
        bool first,
        uint256 cumulativeFraction,
        int256 cashToBuyer,
        uint256 scaledInitial
    ) external onlyAuction nonReentrant returns (uint256 moved) {
        if (first) _books[from].markBase();
        _requireUnlocked(to);
        if (_books[to].count() != 0) revert NotEmpty(to);
        Leg[] memory sales = _books[from].plannedSales(cumulativeFraction);
        int256[] memory notionals = engine.notionalsOf(sales);
        for (uint256 i; i < sales.length; ++i) {
            int64 lots = sales[i].lots;
            _move(from, sales[i].instrument, -lots, -notionals[i]);
            _move(to, sales[i].instrument, lots, notionals[i]);
            moved += uint256(int256(lots < 0 ? -lots : lots));
        }
        int128 pledged = int128(int256(collateral.seize(from, to, first, cumulativeFraction)));
        if (moved == 0 && pledged == 0) revert NothingMoved(from);
        cashToBuyer -= pledged;
        _accounts[from].voidSince = uint40(block.timestamp);
        _accounts[from].cash -= int128(cashToBuyer);
        _accounts[to].cash += int128(cashToBuyer);
        // The Backstop is exempt: somebody has to take what nobody buys.
        if (address(bytes20(to)) == auction) return moved;
        // Tokens alone may leave the buyer with less than no cash.
        _enlist(to);
        if (_books[to].count() != 0) _takeReserve(to);
        _requireTakeoverMargin(to, scaledInitial);
    }

    /// @dev min(SM_im, scaled initial margin of the share + standard margin of one lot a leg for the rounding of lots).
    function _requireTakeoverMargin(bytes32 account, uint256 scaledInitial) private view {
        Leg[] memory legs = _books[account].legs();
        IRiskEngine.Assessment memory book = engine.assess(legs, 0, 0);
        int256 equity = netCash(account) + book.value;
        if (equity >= int256(book.standardInitial)) return;
        for (uint256 i; i < legs.length; ++i) {
            legs[i].lots = legs[i].lots > 0 ? int64(1) : int64(-1);
        }
        uint256 required = scaledInitial + engine.assess(legs, 0, 0).standardInitial;
        if (required > book.standardInitial) required = book.standardInitial;
        if (equity < int256(required)) revert InsufficientMargin(account, equity, required);
    }

    /// @inheritdoc IClearinghouse
    function payReserve(bytes32 from, bytes32 to, uint256 amount) external onlyAuction {
        if (amount == 0) return;
        _accounts[from].reserve -= uint64(amount);
        _accounts[to].cash += int128(uint128(amount));
        emit ReservePaid(from, to, amount);
    }

    /// @inheritdoc IClearinghouse
    function moveCash(bytes32 from, bytes32 to, int256 amount) external onlyAuction {
        _accounts[from].cash -= int128(amount);
        _accounts[to].cash += int128(amount);
        emit CashMoved(from, to, amount);
    }

    /* INTERNAL */

    /// @param leaving whether value leaves the system: then unrealised option profit must not leave as cash
    function _requireInitialMargin(bytes32 account, MarginClaim memory claim, bool leaving) private {
        (IMarginOracle.Permission memory permission, int256 cash) = _useInitialMargin(account, claim);
        if (!_isEnough(permission, cash)) _refuse(account, permission, cash);
        int256 exit = cash + permission.exitValue;
        if (leaving && exit < 0) revert PhantomExit(account, exit);
    }

    /// @return permission of nothing but cash for an account without legs
    function _useInitialMargin(bytes32 account, MarginClaim memory claim)
        private
        returns (IMarginOracle.Permission memory permission, int256 cash)
    {
        Leg[] memory legs = _books[account].legs();
        // A token whose price is stale harms nobody, but permits nothing.
        (, uint256 fresh) = collateral.valueOf(account);
        cash = _ownCash(account, legs) + int256(fresh);
        if (legs.length == 0) return (permission, cash);
        AccountState storage state = _accounts[account];
        permission = oracle.useInitialMargin(MarginRequest(account, state.mode, state.voidSince, cash, legs), claim);
        // Whoever was let below standard margin by a leaf gets no grace when he is flagged soon after.
        if (permission.byLeaf) state.lastPermitBlock = uint40(block.number);
    }

    function _isEnough(IMarginOracle.Permission memory permission, int256 cash) private pure returns (bool) {
        return permission.staleInstrument == 0 && cash + permission.value >= int256(permission.required);
    }

    function _refuse(bytes32 account, IMarginOracle.Permission memory permission, int256 cash) private pure {
        if (permission.staleInstrument != 0) revert IMarginOracle.StaleMarket(permission.staleInstrument);
        revert InsufficientMargin(account, cash + permission.value, permission.required);
    }
}
