// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {IInsuranceFund} from "./interfaces/IInsuranceFund.sol";
import {ILiquidationAuction} from "./interfaces/ILiquidationAuction.sol";
import {ITreasury} from "./interfaces/ITreasury.sol";
import {BpsLib} from "./libraries/BpsLib.sol";
import {LeakyBucketLib} from "./libraries/LeakyBucketLib.sol";

/// @title Treasury
/// @notice See {ITreasury}, which documents every entry point, event and error.
contract Treasury is ITreasury {
    using LeakyBucketLib for LeakyBucketLib.Bucket;
    using SafeERC20 for IERC20;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant OUTFLOW_BPS = 1_000;
    /// @dev A small house pays at once: below this a queue would only annoy.
    uint256 internal constant OUTFLOW_MINIMUM = 1_000_000e6;
    uint256 internal constant OUTFLOW_PERIOD = 24 hours;
    uint64 internal constant CLAIM_DELAY = 24 hours;

    IERC20 public immutable usdc;
    IGuard public immutable guard;
    address public immutable clearinghouse;
    address public auction;
    IInsuranceFund public fund;

    /// @inheritdoc ITreasury
    uint128 public assets;
    /// @inheritdoc ITreasury
    uint128 public advanced;
    /// @inheritdoc ITreasury
    uint256 public provisionalLoss;
    /// @inheritdoc ITreasury
    mapping(bytes32 account => uint256) public lossOf;
    LeakyBucketLib.Bucket private _outflow;
    Claim[] private _claims;

    modifier onlyClearinghouse() {
        if (msg.sender != clearinghouse) revert NotClearinghouse(msg.sender);
        _;
    }

    /// @dev The clearinghouse creates it.
    constructor(address usdc_, address guard_) {
        usdc = IERC20(usdc_);
        guard = IGuard(guard_);
        clearinghouse = msg.sender;
    }

    /// @inheritdoc ITreasury
    function connect(address auction_) external onlyClearinghouse {
        auction = auction_;
        fund = ILiquidationAuction(auction_).fund();
        emit AuctionConnected(auction_);
    }

    /* CASH */

    /// @inheritdoc ITreasury
    function collect(address from, uint256 amount) external onlyClearinghouse {
        uint256 before = usdc.balanceOf(address(this));
        usdc.safeTransferFrom(from, address(this), amount);
        uint256 received = usdc.balanceOf(address(this)) - before;
        if (received != amount) revert TransferShort(received, amount);
        uint256 used = _outflow.used(_outflowCapacity(), OUTFLOW_PERIOD);
        // Net: who pays in makes room, but never for more than has left.
        _outflow.set(used > amount ? used - amount : 0);
        assets += uint128(amount);
        emit Collected(from, amount);
    }

    /// @inheritdoc ITreasury
    function pay(address to, uint256 amount) external onlyClearinghouse returns (uint256 paid) {
        guard.requireOpen(IGuard.Switch.Withdrawals);
        uint256 capacity = _outflowCapacity();
        uint256 used = _outflow.used(capacity, OUTFLOW_PERIOD);
        uint256 room = capacity > used ? capacity - used : 0;
        uint256 atOnce = amount < room ? amount : room;
        // Counted in full, so that claims which wait for solvency do not add up beside the limit.
        _outflow.set(used + atOnce);
        paid = _affordable(_due(atOnce));
        assets -= uint128(paid);
        if (paid < amount) {
            uint64 readyAt = uint64(block.timestamp) + (atOnce < amount ? CLAIM_DELAY : 0);
            advanced += uint128(paid);
            _claims.push(Claim(to, readyAt, uint128(amount), uint128(paid)));
            emit ClaimOpened(_claims.length - 1, to, amount, paid, readyAt);
        }
        if (paid == 0) return 0;
        emit Paid(to, paid);
        usdc.safeTransfer(to, paid);
    }

    /// @inheritdoc ITreasury
    function payClaim(uint256 claim) external returns (uint256 paid) {
        if (claim >= _claims.length) revert UnknownClaim(claim, _claims.length);
        guard.requireOpen(IGuard.Switch.Withdrawals);
        Claim storage c = _claims[claim];
        (uint128 amount, uint128 before) = (c.amount, c.paid);
        if (block.timestamp < c.readyAt) revert ClaimNotReady(claim, c.readyAt, block.timestamp);
        uint256 due = _due(amount);
        paid = due > before ? _affordable(due - before) : 0;
        if (paid == 0) revert NothingDue(claim, amount, before);
        c.paid = before + uint128(paid);
        assets -= uint128(paid);
        // A closed claim takes no part in losses to come.
        if (c.paid == amount) advanced -= before;
        else advanced += uint128(paid);
        emit ClaimPaid(claim, c.to, paid);
        usdc.safeTransfer(c.to, paid);
    }

    /// @inheritdoc ITreasury
    function countOutflow(uint256 value) external onlyClearinghouse returns (bool atOnce) {
        uint256 capacity = _outflowCapacity();
        uint256 used = _outflow.used(capacity, OUTFLOW_PERIOD);
        atOnce = used + value <= capacity;
        if (atOnce) _outflow.set(used + value);
    }

    function _affordable(uint256 amount) private view returns (uint256) {
        return amount < assets ? amount : assets;
    }

    function _outflowCapacity() private view returns (uint256) {
        uint256 share = uint256(assets) * OUTFLOW_BPS / BpsLib.BPS;
        return share > OUTFLOW_MINIMUM ? share : OUTFLOW_MINIMUM;
    }

    /* SOLVENCY */

    /// @inheritdoc ITreasury
    function reportLoss(bytes32 account, uint256 loss) external {
        if (msg.sender != auction) revert NotAuction(msg.sender);
        uint256 before = lossOf[account];
        if (before == loss) return;
        lossOf[account] = loss;
        provisionalLoss = provisionalLoss - before + loss;
        emit LossReported(account, loss, provisionalLoss);
    }

    /// @dev The share of `amount` that is there for everybody, rounded down.
    function _due(uint256 amount) private view returns (uint256) {
        uint256 loss = provisionalLoss;
        if (loss == 0) return amount;
        // What the fund will pay is nobody's loss; its limit of a day only decides when.
        uint256 insured = fund.totalAssets();
        if (loss <= insured) return amount;
        loss -= insured;
        uint256 backed = uint256(assets) + advanced;
        return Math.mulDiv(amount, backed, backed + loss);
    }

    /// @inheritdoc ITreasury
    function solvency() external view returns (uint256) {
        return _due(WAD);
    }

    /* VIEWS */

    /// @inheritdoc ITreasury
    function outflowRoom() external view returns (uint256) {
        return _outflow.room(_outflowCapacity(), OUTFLOW_PERIOD);
    }

    /// @inheritdoc ITreasury
    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    /// @inheritdoc ITreasury
    function claimAt(uint256 claim) external view returns (Claim memory) {
        if (claim >= _claims.length) revert UnknownClaim(claim, _claims.length);
        return _claims[claim];
    }
}
