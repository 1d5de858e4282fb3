// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateral} from "./ICollateral.sol";
import {IGuard} from "./IGuard.sol";
import {IListings} from "./IListings.sol";
import {ITreasury} from "./ITreasury.sol";
import {Leg, MarginClaim, Order} from "../types/Types.sol";

/// @title Clearinghouse
/// @notice Holds accounts: cash (USDC), spot tokens, perpetuals and options in integer lots. The only contract that moves money.
interface IClearinghouse {
    /// @notice An account as stored. Money is micro-dollars. `voidSince` is the last time at which it was bid on or took SPOT
    /// out: leaves that speak of that time or before are void. `lastPermitBlock` is when a leaf was last presented for it.
    struct AccountState {
        int128 cash;
        uint64 reserve;
        uint8 mode;
        bool enlisted;
        bool locked;
        uint40 voidSince;
        uint40 lastPermitBlock;
    }

    /// @notice A leg with the entry value of a linear position (0 for other kinds), in micro-dollars; of a perpetual with the funding
    /// that it owes.
    struct Position {
        uint128 instrument;
        int64 lots;
        int128 cost;
    }

    event Deposited(bytes32 indexed account, address indexed from, uint256 amount);
    event Withdrawn(bytes32 indexed account, address indexed to, uint256 amount, uint256 paid);
    event SpotDeposited(bytes32 indexed account, uint16 indexed underlying, uint64 lots);
    event SpotWithdrawn(bytes32 indexed account, uint16 indexed underlying, uint64 lots, address to);
    event Traded(bytes32 indexed buyer, bytes32 indexed seller, uint128 indexed instrument, uint64 lots, uint64 price);
    event PositionChanged(bytes32 indexed account, uint128 indexed instrument, int64 lots, int256 cashFlow);
    event Settled(bytes32 indexed account, uint128 indexed instrument, int64 lots, uint64 price, int256 notional);
    event AccountLocked(bytes32 indexed account);
    event AccountUnlocked(bytes32 indexed account);
    event ReservePaid(bytes32 indexed account, bytes32 indexed to, uint256 amount);
    event CashMoved(bytes32 indexed from, bytes32 indexed to, int256 amount);
    event OrderCancelled(bytes32 indexed account, bytes32 indexed digest);
    event AuctionConnected(address indexed auction);

    error NotOwner(address caller, bytes32 account);
    error NotCollateral(address caller);
    error CollateralOfAnother(address collateral, address clearinghouse);
    error NotAuction(address caller);
    error AlreadyConnected(address auction);
    error ZeroAmount();
    error AccountIsLocked(bytes32 account);
    error InvalidLots(int256 lots);
    error TooManyLegs(bytes32 account, uint256 maximum);
    error ShortSpot(bytes32 account, uint128 instrument);
    error InsufficientCash(bytes32 account, int256 cash, uint256 needed);
    error InsufficientMargin(bytes32 account, int256 equity, uint256 required);
    error PhantomExit(bytes32 account, int256 exitValue);
    error TransferShort(uint256 received, uint256 expected);
    error OrderExpired(uint64 deadline, uint256 blockTime);
    error OrderOverfilled(bytes32 digest, int64 filled, int64 lots);
    error OrdersDoNotMatch();
    error SelfTrade(bytes32 account);
    error PriceOutsideLimit(uint64 price, uint64 limitPrice);
    error WrongExecutor(address caller, address executor);
    error InvalidOrderSignature(address recovered, address owner);
    error NotEmpty(bytes32 account);
    error CloseOnly(bytes32 account, uint128 instrument);
    error OpenInterestOverCap(uint16 underlying, uint64 lots, uint64 cap);
    error NothingMoved(bytes32 account);
    error DepositTooLarge(uint256 amount, uint256 maximum);

    /// @notice Pays USDC, approved for the treasury, into an account of anybody.
    function deposit(bytes32 account, uint256 amount) external;

    /// @notice Takes USDC out. With a claim the attested margin applies, without it the grid or standard margin. What outflow and
    /// solvency hold back is left as a claim on the treasury.
    function withdraw(bytes32 account, uint256 amount, address to, MarginClaim calldata claim) external;

    /// @notice Whether tokens that have left an account may leave the system, at once or after a day. Only the collateral contract.
    /// @param value of the tokens, micro-dollars
    function releaseCollateral(bytes32 account, uint256 value, MarginClaim calldata claim)
        external
        returns (bool atOnce);

    /// @notice Pledges whole lots of the underlying's token as a SPOT position of the caller's account.
    function depositSpot(bytes32 account, uint16 underlying, uint64 lots) external;

    /// @notice Takes whole lots of a SPOT position out; a leaf never applies because the book changes.
    function withdrawSpot(bytes32 account, uint16 underlying, uint64 lots, address to) external;

    /// @notice Matches two signed orders at the maker's limit price. Whoever submits chooses which of two crossing orders is
    /// the maker; an order that names its `executor` leaves that choice to nobody else.
    /// @param lots how much to fill, positive
    function trade(
        Order calldata maker,
        bytes calldata makerSignature,
        Order calldata taker,
        bytes calldata takerSignature,
        uint64 lots,
        MarginClaim calldata makerClaim,
        MarginClaim calldata takerClaim
    ) external;

    /// @notice Makes an order of the caller's account unusable.
    function cancel(Order calldata order) external;

    /// @notice Turns expired legs whose settlement price is fixed into cash. Anybody may call.
    /// @return count legs settled
    function settle(bytes32 account) external returns (uint256 count);

    /// @notice Settles, then says what is left: the legs, and cash net of the entry values of linear legs.
    function settledBook(bytes32 account) external returns (Leg[] memory legs, int256 cash);

    /// @notice Stops an account's withdrawals while it is in auction, and all trades but those of {IReducingTrades}. Only the auction.
    function lock(bytes32 account) external;

    /// @notice Ends that, and fills up the bounty reserve of an account that still has legs. Only the auction.
    function unlock(bytes32 account) external;

    /// @notice Moves a cumulative fraction of a locked book, and of each pledged token, to a fresh account at marks, plus `cashToBuyer` of
    /// its cash. The mark of a token is its haircut value.
    /// @dev Needs no fresh market: an account must be sellable while a leg is stale or waits for its settlement price.
    /// @param first whether the present book is the whole that fractions count from
    /// @param cumulativeFraction share of that whole that will have been moved after this call, wad
    /// @param scaledInitial initial margin of the share that moves, by homogeneity; what one lot a leg adds for rounding is added here
    /// @return moved lots moved, summed over legs without sign
    function transferBook(
        bytes32 from,
        bytes32 to,
        bool first,
        uint256 cumulativeFraction,
        int256 cashToBuyer,
        uint256 scaledInitial
    ) external returns (uint256 moved);

    /// @notice Pays from a locked account's bounty reserve to another account. Only the auction.
    function payReserve(bytes32 from, bytes32 to, uint256 amount) external;

    /// @notice Moves cash between accounts, backwards where negative. Only the auction, to or from the Backstop.
    function moveCash(bytes32 from, bytes32 to, int256 amount) external;

    /// @notice The settlement coin.
    function usdc() external view returns (address);

    /// @notice Who may pause new risk and withdrawals, and what is paused.
    function guard() external view returns (IGuard);

    /// @notice Who holds the dollars of all accounts.
    function treasury() external view returns (ITreasury);

    /// @notice Tokens pledged beside cash.
    function collateral() external view returns (ICollateral);

    /// @notice What may be traded.
    function listings() external view returns (IListings);

    function accountState(bytes32 account) external view returns (AccountState memory);

    /// @notice Cash and the haircut value of pledged tokens, less the entry cost of linear legs and the funding that perpetuals owe: equity
    /// is this plus the marked value of the legs.
    function netCash(bytes32 account) external view returns (int256);

    function legsOf(bytes32 account) external view returns (Leg[] memory);

    function positionsOf(bytes32 account) external view returns (Position[] memory);

    /// @notice Accounts that have ever held a leg.
    function accountCount() external view returns (uint256);

    function accountAt(uint256 index) external view returns (bytes32);

    /// @notice Lots held long.
    function openInterest(uint128 instrument) external view returns (uint64);

    /// @notice The same, summed over all instruments of an underlying but SPOT.
    function openInterestOf(uint16 underlying) external view returns (uint64);

    /// @notice Whether any account has a leg of it, on either side.
    function isHeld(uint128 instrument) external view returns (bool);

    function filled(bytes32 orderDigest) external view returns (int64);

    function orderDigest(Order calldata order) external view returns (bytes32);
}
