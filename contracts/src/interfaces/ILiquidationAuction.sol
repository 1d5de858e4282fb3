// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReducingTrades} from "./IReducingTrades.sol";
import {IInsuranceFund} from "./IInsuranceFund.sol";

/// @title Liquidation auction
/// @notice Flag by one named scenario, one Dutch auction of a fraction of the book, bounties from the account's own reserve, and
/// the Backstop, which takes what nobody buys. Reads positions and MarketFeeds only; it holds no reference to MarginOracle.
interface ILiquidationAuction is IReducingTrades {
    /// @notice An open auction.
    /// @param startedAt block time at which the line begins: the flag, or the end of the account's grace
    /// @param fractionSold share of the book that has been sold, wad, since the flag or the owner's last trade
    /// @param scenario by which the account was flagged; from the first bid on, the worst of the grid
    /// @param gridRun whether that is so
    /// @param worstPayout what the account would owe after the loss in that scenario, as last seen
    /// @param flagger who earns the bounty; zero once it is paid
    struct Auction {
        uint64 startedAt;
        uint64 fractionSold;
        uint8 scenario;
        bool gridRun;
        uint96 worstPayout;
        address flagger;
    }

    event Flagged(
        bytes32 indexed account,
        address indexed flagger,
        uint8 scenario,
        int256 equity,
        uint256 required,
        uint64 startsAt
    );
    event Bid(
        bytes32 indexed account,
        bytes32 indexed buyer,
        uint256 fraction,
        int256 equity,
        int256 line,
        int256 cashToBuyer,
        uint256 lotsMoved
    );
    event Cured(bytes32 indexed account, int256 equity, uint256 required);
    event TakenOver(bytes32 indexed account, bytes32 indexed backstop);
    event DeficitTaken(bytes32 indexed account, uint256 covered, uint256 remaining);
    event Emptied(bytes32 indexed account, uint256 deficit);
    event BidderApproved(address indexed owner, address indexed bidder, bool approved);

    error AlreadyFlagged(bytes32 account);
    error Healthy(bytes32 account, int256 equity, uint256 required);
    error StillUnhealthy(bytes32 account, int256 equity, uint256 required);
    error NoPositions(bytes32 account);
    error StillHoldsLegs(bytes32 account);
    error NoDeficit(bytes32 account);
    error NotBuyer(address caller, bytes32 buyer);
    error BidExpired(uint64 deadline, uint256 blockTime);
    error InGrace(bytes32 account, uint256 until);
    error NotUnsold(bytes32 account, uint256 from);
    error DiscountTooSmall(int256 cashToBuyer, int256 minimum);
    error OfBackstop(bytes32 account);

    /// @notice Starts an auction when, in every world of marks, the account's equity is below min(SM, max(loss in `scenario`,
    /// minimum charge) + add-ons). The line begins after what is left of the account's grace of a day; there is none below half of
    /// the requirement, nor within an epoch of a use of a leaf.
    function flag(bytes32 account, uint8 scenario) external;

    /// @notice Buys a share of a flagged book into a fresh account that already holds the margin for it. The first bid runs the
    /// grid, so that a weak scenario of the flagger decides nothing; refused while equity covers maintenance margin in any world.
    /// @param buyer account of the caller, or of an owner who approved the caller
    /// @param fraction share of the present book wanted, wad; cut to what restores health, at least a tenth of the book, and the
    /// whole rest where less than a tenth of it would remain
    /// @param minCashToBuyer least cash that must come with the book (negative: most that the bidder pays over marks)
    /// @return sold share of the present book that was sold, 0 when its last legs had settled and the auction ended
    function bid(bytes32 account, bytes32 buyer, uint256 fraction, int256 minCashToBuyer, uint64 deadline)
        external
        returns (uint256 sold);

    /// @notice Lets another address bid into the caller's accounts.
    function approveBidder(address bidder, bool approved) external;

    /// @notice Ends an auction when equity reaches SM, or the grid at initial level, in every world. Anybody may call. Nothing else
    /// ends it while legs are left, and its clock never starts again but after a halt of the L2's sequencer. The bounty reserve is filled up first.
    function cure(bytes32 account) external;

    /// @notice Moves a book that nobody bought to a fresh account of the Backstop at min(0, equity), to be auctioned on.
    /// @return backstop that account
    function takeOver(bytes32 account) external returns (bytes32 backstop);

    /// @notice Books the loss that a flagged account leaves to others as the market stands. Anybody may call.
    function report(bytes32 account) external;

    /// @notice Covers the negative cash of an unflagged account without legs, from the Backstop's cash and then the insurance fund,
    /// as far as they reach. Anybody may call, again later; what the owner has paid himself is no loss any more.
    function takeDeficit(bytes32 account) external returns (uint256 covered, uint256 remaining);

    function auction(bytes32 account) external view returns (Auction memory);

    /// @notice Block time at which the line begins: when the account's grace is over or, where the L2's sequencer was down since, a
    /// while after its return. While it is down, never. A week after the account's own grace no feed holds it up any more.
    function beginsAt(bytes32 account) external view returns (uint256);

    /// @notice Price line for the whole book after equity `equity`, at block time.
    function line(bytes32 account, int256 equity) external view returns (int256);

    /// @notice Sum over open auctions of what each account would owe after the worst loss last seen.
    function worstPayout() external view returns (uint256);

    /// @notice The Backstop's account of cash; its books are the accounts after it.
    function backstopAccount() external view returns (bytes32);

    function fund() external view returns (IInsuranceFund);
}
