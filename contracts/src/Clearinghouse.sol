// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IFlaggedTrades} from "./interfaces/IFlaggedTrades.sol";
import {IMarginOracle} from "./interfaces/IMarginOracle.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ITreasury} from "./interfaces/ITreasury.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {PositionsLib} from "./libraries/PositionsLib.sol";
import {Treasury} from "./Treasury.sol";
import {Leg, MarginClaim, MarginRequest, Order} from "./types/Types.sol";

/// @title Clearinghouse
/// @notice See {IClearinghouse}, which documents every entry point, event and error.
contract Clearinghouse is IClearinghouse, EIP712, Ownable2Step, ReentrancyGuardTransient {
    using InstrumentLib for uint128;
    using InstrumentLib for uint8;
    using PositionsLib for PositionsLib.Book;
    using SafeERC20 for IERC20;

    uint8 internal constant PORTFOLIO_MODE = 2;
    /// @dev Keeps every balance far inside the 64-bit integers of the snapshot body.
    uint256 internal constant MAX_DEPOSIT = 2 ** 60;
    uint256 internal constant WAD = 1e18;
    /// @dev lots * price(1e-8) * lot(wad) is in 1e-26 USD; micro-dollars are 1e-6.
    int256 internal constant NOTIONAL_UNIT = 1e20;

    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,uint128 instrument,int64 lots,uint64 limitPrice,uint64 salt,uint64 deadline,address executor)"
    );

    /// @inheritdoc IClearinghouse
    address public immutable usdc;
    /// @inheritdoc IClearinghouse
    ITreasury public immutable treasury;
    IRiskEngine public immutable engine;
    IMarketFeeds public immutable feeds;
    IMarginOracle public immutable oracle;

    address public auction;

    mapping(bytes32 account => AccountState) private _accounts;
    mapping(bytes32 account => PositionsLib.Book) private _books;
    bytes32[] private _accountIds;
    uint128[] private _listings;
    mapping(uint128 instrument => bool) public isListed;
    /// @inheritdoc IClearinghouse
    mapping(uint128 instrument => uint64) public openInterest;
    mapping(uint16 underlying => address) public spotToken;
    /// @inheritdoc IClearinghouse
    mapping(bytes32 digest => int64) public filled;

    modifier onlyAuction() {
        if (msg.sender != auction) revert NotAuction(msg.sender);
        _;
    }

    constructor(address owner_, address usdc_, address engine_, address feeds_, address oracle_)
        EIP712("Clearinghouse", "1")
        Ownable(owner_)
    {
        if (feeds_ != IRiskEngine(engine_).feeds()) revert DifferentFeeds(feeds_, IRiskEngine(engine_).feeds());
        usdc = usdc_;
        treasury = new Treasury(usdc_);
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(feeds_);
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

    /// @notice Allows whole lots of `token` as SPOT positions of an underlying.
    function setSpotToken(uint16 underlying, address token) external onlyOwner {
        if (spotToken[underlying] != address(0)) revert AlreadyConnected(spotToken[underlying]);
        _tokenAmount(underlying, 1, token);
        spotToken[underlying] = token;
        emit SpotTokenSet(underlying, token);
    }

    /// @notice Lists instruments whose expiry the feeds know.
    function list(uint128[] calldata instruments) external onlyOwner {
        for (uint256 i; i < instruments.length; ++i) {
            uint128 id = instruments[i];
            if (!id.isCanonical() || engine.lotOf(id.underlyingOf()) == 0) revert InvalidInstrument(id);
            if (!feeds.isExpiry(id.underlyingOf(), id.expiryOf())) revert InvalidInstrument(id);
            if (id.expiryOf() != 0 && id.expiryOf() <= block.timestamp) revert InstrumentExpired(id);
            if (isListed[id]) revert AlreadyListed(id);
            isListed[id] = true;
            _listings.push(id);
            emit InstrumentListed(id);
        }
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

    /* SPOT TOKENS */

    /// @inheritdoc IClearinghouse
    function depositSpot(bytes32 account, uint16 underlying, uint64 lots) external nonReentrant {
        _requireOwner(account);
        _requireUnlocked(account);
        uint128 id = _spotInstrument(underlying, lots);
        IERC20 token = IERC20(spotToken[underlying]);
        uint256 amount = _tokenAmount(underlying, lots, address(token));
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferShort(received, amount);
        _move(account, id, int64(lots), 0);
        _syncReserve(account);
        emit SpotDeposited(account, underlying, lots);
    }

    /// @inheritdoc IClearinghouse
    function withdrawSpot(bytes32 account, uint16 underlying, uint64 lots, address to) external nonReentrant {
        _requireOwner(account);
        _requireUnlocked(account);
        _settle(account);
        uint128 id = _spotInstrument(underlying, lots);
        _move(account, id, -int64(lots), 0);
        _syncReserve(account);
        MarginClaim memory none;
        _requireInitialMargin(account, none, true);
        // What was pledged against may be gone: no leaf of before counts any more.
        _accounts[account].voidSince = uint40(block.timestamp);
        IERC20(spotToken[underlying]).safeTransfer(to, _tokenAmount(underlying, lots, spotToken[underlying]));
        emit SpotWithdrawn(account, underlying, lots, to);
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
        int256[] memory makerSurplus = _surplusIfLocked(maker.account);
        int256[] memory takerSurplus = _surplusIfLocked(taker.account);
        int256 notional = _notional(maker.instrument, makerLots, maker.limitPrice);
        _move(maker.account, maker.instrument, makerLots, notional);
        _move(taker.account, maker.instrument, -makerLots, -notional);
        _emitTrade(maker, taker, makerLots, notional);
        _syncReserve(maker.account);
        _syncReserve(taker.account);
        uint64 price = maker.limitPrice;
        _requireMayTrade(maker.account, Leg(maker.instrument, makerLots), price, makerClaim, makerSurplus);
        _requireMayTrade(taker.account, Leg(maker.instrument, -makerLots), price, takerClaim, takerSurplus);
    }

    function _surplusIfLocked(bytes32 account) private view returns (int256[] memory surplus) {
        if (_accounts[account].locked) surplus = IFlaggedTrades(auction).surplusOf(account);
    }

    /// @param surplusBefore of a locked account, empty for others
    function _requireMayTrade(
        bytes32 account,
        Leg memory traded,
        uint64 price,
        MarginClaim calldata claim,
        int256[] memory surplusBefore
    ) private {
        if (surplusBefore.length == 0) return _requireInitialMargin(account, claim, false);
        IFlaggedTrades(auction).afterTrade(account, traded.instrument, traded.lots, price, surplusBefore);
    }

    function _requireMatching(Order calldata maker, Order calldata taker, uint64 lots) private view {
        if (lots == 0 || lots > uint64(PositionsLib.MAX_LOTS)) revert InvalidLots(int256(uint256(lots)));
        if (maker.account == taker.account) revert SelfTrade(maker.account);
        if (maker.instrument != taker.instrument || (maker.lots > 0) == (taker.lots > 0)) revert OrdersDoNotMatch();
        uint128 id = maker.instrument;
        if (!isListed[id] || id.kindOf() == InstrumentLib.SPOT) revert NotListed(id);
        if (id.expiryOf() != 0 && id.expiryOf() <= block.timestamp) revert InstrumentExpired(id);
        bool outside = taker.lots > 0 ? maker.limitPrice > taker.limitPrice : maker.limitPrice < taker.limitPrice;
        if (outside) revert PriceOutsideLimit(maker.limitPrice, taker.limitPrice);
    }

    function _fill(Order calldata order, bytes calldata signature, int64 lots) private {
        if (order.deadline < block.timestamp) revert OrderExpired(order.deadline, block.timestamp);
        if (order.executor != address(0) && order.executor != msg.sender) {
            revert WrongExecutor(msg.sender, order.executor);
        }
        bytes32 digest = orderDigest(order);
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        address owner_ = address(bytes20(order.account));
        if (recovered != owner_ || recovered == address(0)) revert InvalidOrderSignature(recovered, owner_);
        int256 total = int256(filled[digest]) + lots;
        bool over = order.lots > 0 ? total > order.lots : total < order.lots;
        if (over || order.lots == 0) revert OrderOverfilled(digest, filled[digest], order.lots);
        filled[digest] = int64(total);
    }

    function _emitTrade(Order calldata maker, Order calldata taker, int64 makerLots, int256 notional) private {
        bool makerBuys = makerLots > 0;
        emit Traded(
            makerBuys ? maker.account : taker.account,
            makerBuys ? taker.account : maker.account,
            maker.instrument,
            uint64(makerBuys ? makerLots : -makerLots),
            maker.limitPrice,
            notional < 0 ? -notional : notional
        );
    }

    /// @inheritdoc IClearinghouse
    function cancel(Order calldata order) external {
        _requireOwner(order.account);
        bytes32 digest = orderDigest(order);
        filled[digest] = order.lots;
        emit OrderCancelled(order.account, digest);
    }

    /* SETTLEMENT */

    /// @inheritdoc IClearinghouse
    function settle(bytes32 account) external nonReentrant returns (uint256 count) {
        (, count) = _settle(account);
    }

    /// @inheritdoc IClearinghouse
    function settledBook(bytes32 account) external nonReentrant returns (Leg[] memory legs, int256 cash) {
        (legs,) = _settle(account);
        cash = int256(_accounts[account].cash) - _books[account].totalCost(legs);
    }

    /// @return legs what is left
    function _settle(bytes32 account) private returns (Leg[] memory legs, uint256 count) {
        legs = _books[account].legs();
        for (uint256 i; i < legs.length; ++i) {
            uint128 id = legs[i].instrument;
            if (id.expiryOf() == 0 || id.expiryOf() > block.timestamp) continue;
            uint64 price = feeds.settlement(id.underlyingOf(), id.expiryOf());
            if (price == 0) continue;
            int64 lots = legs[i].lots;
            // Rounded down on both sides of every contract: settlement never pays out more than it takes in.
            int256 payout = _floorNotional(id, lots, _payoff(id, price));
            _move(account, id, -lots, -payout);
            emit Settled(account, id, lots, price, payout);
            ++count;
        }
        if (count == 0) return (legs, 0);
        _releaseReserve(account);
        legs = _books[account].legs();
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
        if (sales.length == 0) revert NothingMoved(from);
        int256[] memory notionals = engine.notionalsOf(sales);
        for (uint256 i; i < sales.length; ++i) {
            int64 lots = sales[i].lots;
            _move(from, sales[i].instrument, -lots, -notionals[i]);
            _move(to, sales[i].instrument, lots, notionals[i]);
            moved += uint256(int256(lots < 0 ? -lots : lots));
        }
        _accounts[from].voidSince = uint40(block.timestamp);
        _accounts[from].cash -= int128(cashToBuyer);
        _accounts[to].cash += int128(cashToBuyer);
        // The Backstop is exempt: somebody has to take what nobody buys.
        if (address(bytes20(to)) == auction) return moved;
        _takeReserve(to);
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

    /* VIEWS */

    /// @inheritdoc IClearinghouse
    function accountState(bytes32 account) external view returns (AccountState memory) {
        return _accounts[account];
    }

    /// @inheritdoc IClearinghouse
    function netCash(bytes32 account) public view returns (int256) {
        return int256(_accounts[account].cash) - _books[account].totalCost(_books[account].legs());
    }

    /// @inheritdoc IClearinghouse
    function legsOf(bytes32 account) external view returns (Leg[] memory) {
        return _books[account].legs();
    }

    /// @inheritdoc IClearinghouse
    function positionsOf(bytes32 account) external view returns (Position[] memory) {
        return _books[account].positions();
    }

    /// @inheritdoc IClearinghouse
    function accountCount() external view returns (uint256) {
        return _accountIds.length;
    }

    /// @inheritdoc IClearinghouse
    function accountAt(uint256 index) external view returns (bytes32) {
        return _accountIds[index];
    }

    /// @inheritdoc IClearinghouse
    function listingCount() external view returns (uint256) {
        return _listings.length;
    }

    /// @inheritdoc IClearinghouse
    function listingAt(uint256 index) external view returns (uint128) {
        return _listings[index];
    }

    /// @inheritdoc IClearinghouse
    function orderDigest(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, order)));
    }

    /* INTERNAL: LEDGER */

    /// @dev Changes one leg by `lots` against `notional` micro-dollars (what a buyer pays, negative when received). A linear
    /// leg keeps the notional as entry value and realises its share when it shrinks; every other kind pays at once.
    function _move(bytes32 account, uint128 id, int64 lots, int256 notional) private {
        _enlist(account);
        PositionsLib.Book storage book = _books[account];
        (int64 before, int64 present) = book.add(id, lots);
        if (id.kindOf() == InstrumentLib.SPOT && present < 0) revert ShortSpot(account, id);
        if (book.count() > PositionsLib.MAX_LEGS) revert TooManyLegs(account, PositionsLib.MAX_LEGS);
        int256 cashFlow = id.kindOf().isLinear() ? book.enter(id, before, lots, notional) : -notional;
        _accounts[account].cash += int128(cashFlow);
        _countOpenInterest(id, before, present);
        emit PositionChanged(account, id, present, cashFlow);
    }

    function _countOpenInterest(uint128 id, int64 before, int64 present) private {
        int64 change = (present > 0 ? present : int64(0)) - (before > 0 ? before : int64(0));
        openInterest[id] = uint64(int64(openInterest[id]) + change);
    }

    /// @dev After a change by the account itself: a book needs its reserve, an empty account gets it back.
    function _syncReserve(bytes32 account) private {
        if (_books[account].count() == 0) return _releaseReserve(account);
        AccountState storage state = _accounts[account];
        if (state.locked) return;
        uint64 missing = _takeReserve(account);
        if (missing != 0 && state.cash < 0) {
            revert InsufficientCash(account, int256(state.cash) + int64(missing), missing);
        }
    }

    /// @dev Fills the reserve up to what the present legs ask; it never shrinks before the book is empty.
    function _takeReserve(bytes32 account) private returns (uint64 missing) {
        uint64 needed = AuctionLib.reserveOf(_books[account].count());
        AccountState storage state = _accounts[account];
        if (state.reserve >= needed) return 0;
        missing = needed - state.reserve;
        state.cash -= int128(uint128(missing));
        state.reserve = needed;
    }

    function _releaseReserve(bytes32 account) private {
        AccountState storage state = _accounts[account];
        if (state.locked || state.reserve == 0 || _books[account].count() != 0) return;
        state.cash += int128(uint128(state.reserve));
        state.reserve = 0;
    }

    /// @dev Whoever holds a leg must be enumerable, or no keeper would see it; whoever does not costs no keeper anything.
    function _enlist(bytes32 account) private {
        AccountState storage state = _accounts[account];
        if (state.enlisted) return;
        state.enlisted = true;
        state.mode = PORTFOLIO_MODE;
        _accountIds.push(account);
    }

    /// @dev What a buyer of `lots` pays; the seller receives the same integer, so money is conserved.
    function _notional(uint128 id, int64 lots, uint64 price) private view returns (int256) {
        int256 size = int256(lots) * int256(uint256(engine.lotOf(id.underlyingOf())));
        return size * int256(uint256(price)) / NOTIONAL_UNIT;
    }

    function _floorNotional(uint128 id, int64 lots, uint64 price) private view returns (int256) {
        int256 exact = int256(lots) * int256(uint256(engine.lotOf(id.underlyingOf()))) * int256(uint256(price));
        int256 quotient = exact / NOTIONAL_UNIT;
        return exact < 0 && quotient * NOTIONAL_UNIT != exact ? quotient - 1 : quotient;
    }

    /* INTERNAL: CHECKS */

    function _requireOwner(bytes32 account) private view {
        if (address(bytes20(account)) != msg.sender) revert NotOwner(msg.sender, account);
    }

    function _requireUnlocked(bytes32 account) private view {
        if (_accounts[account].locked) revert AccountIsLocked(account);
    }

    /// @param leaving whether value leaves the system: then unrealised option profit must not leave as cash
    function _requireInitialMargin(bytes32 account, MarginClaim memory claim, bool leaving) private {
        // Whoever was let below standard margin by a leaf gets no grace when he is flagged soon after.
        if (claim.leaf.epoch != 0) _accounts[account].lastPermitBlock = uint40(block.number);
        Leg[] memory legs = _books[account].legs();
        int256 cash = int256(_accounts[account].cash) - _books[account].totalCost(legs);
        if (legs.length == 0) {
            if (cash < 0) revert InsufficientMargin(account, cash, 0);
            return;
        }
        AccountState storage state = _accounts[account];
        (int256 value, int256 exitValue, uint256 required) =
            oracle.useInitialMargin(MarginRequest(account, state.mode, state.voidSince, cash, legs), claim);
        if (cash + value < int256(required)) revert InsufficientMargin(account, cash + value, required);
        if (leaving && cash + exitValue < 0) revert PhantomExit(account, cash + exitValue);
    }

    function _spotInstrument(uint16 underlying, uint64 lots) private view returns (uint128 id) {
        if (lots == 0 || lots > uint64(PositionsLib.MAX_LOTS)) revert InvalidLots(int256(uint256(lots)));
        if (spotToken[underlying] == address(0)) revert NoSpotToken(underlying);
        id = InstrumentLib.pack(underlying, 0, InstrumentLib.SPOT, 0);
        if (!isListed[id]) revert NotListed(id);
    }

    function _tokenAmount(uint16 underlying, uint64 lots, address token) private view returns (uint256 amount) {
        uint8 decimals = IERC20Metadata(token).decimals();
        uint256 scaled = uint256(lots) * engine.lotOf(underlying) * 10 ** decimals;
        amount = scaled / WAD;
        if (amount == 0 || amount * WAD != scaled) revert TokenAmountNotWhole(lots, decimals);
    }
}
