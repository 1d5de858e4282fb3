// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626, IERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IInsuranceFund} from "./interfaces/IInsuranceFund.sol";
import {ILiquidationAuction} from "./interfaces/ILiquidationAuction.sol";
import {LeakyBucketLib} from "./libraries/LeakyBucketLib.sol";

/// @title Insurance fund
/// @notice See {IInsuranceFund}, which documents every entry point, event and error.
contract InsuranceFund is IInsuranceFund, ERC4626 {
    using LeakyBucketLib for LeakyBucketLib.Bucket;
    using SafeERC20 for IERC20;

    uint64 internal constant COOL_DOWN = 7 days;
    /// @dev A request does not keep: else one would be held open for ever, and the cool-down be none.
    uint64 internal constant EXIT_WINDOW = 2 days;
    uint256 internal constant COVER_PERIOD = 24 hours;

    IClearinghouse public immutable clearinghouse;
    address public immutable auction;

    uint256 private _assets;
    mapping(address owner => Exit) private _exits;
    LeakyBucketLib.Bucket private _covered;

    /// @dev The auction creates it.
    constructor(address clearinghouse_)
        ERC20("Insurance fund share", "IFS")
        ERC4626(IERC20(IClearinghouse(clearinghouse_).usdc()))
    {
        clearinghouse = IClearinghouse(clearinghouse_);
        auction = msg.sender;
    }

    /* SHARES */

    /// @dev Counted here: a donation changes no price.
    function totalAssets() public view override(ERC4626, IERC4626) returns (uint256) {
        return _assets;
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }

    function _deposit(address caller, address receiver, uint256 amount, uint256 shares) internal override {
        IERC20 coin = IERC20(asset());
        uint256 before = coin.balanceOf(address(this));
        super._deposit(caller, receiver, amount, shares);
        uint256 received = coin.balanceOf(address(this)) - before;
        if (received != amount) revert TransferShort(received, amount);
        _assets += amount;
    }

    /* LEAVING */

    /// @inheritdoc IInsuranceFund
    function requestExit(uint256 shares) external {
        Exit storage exit = _exits[msg.sender];
        uint256 before = exit.shares;
        uint64 readyAt = uint64(block.timestamp) + COOL_DOWN;
        (exit.shares, exit.readyAt) = (uint192(shares), readyAt);
        // Set aside, so that no request is passed on with shares that did not wait.
        if (shares > before) _transfer(msg.sender, address(this), shares - before);
        else if (shares < before) _transfer(address(this), msg.sender, before - shares);
        emit ExitRequested(msg.sender, shares, readyAt);
    }

    function maxRedeem(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        Exit storage exit = _exits[owner];
        if (block.timestamp < exit.readyAt || block.timestamp >= exit.readyAt + EXIT_WINDOW) return 0;
        // Deficits that are booked and what open auctions may still cost stay behind.
        uint256 bound = ILiquidationAuction(auction).worstPayout() + clearinghouse.treasury().provisionalLoss();
        uint256 free = _assets > bound ? _assets - bound : 0;
        uint256 most = _convertToShares(free, Math.Rounding.Floor);
        return most < exit.shares ? most : exit.shares;
    }

    function maxWithdraw(address owner) public view override(ERC4626, IERC4626) returns (uint256) {
        return _convertToAssets(maxRedeem(owner), Math.Rounding.Floor);
    }

    function _withdraw(address caller, address receiver, address owner, uint256 amount, uint256 shares)
        internal
        override
    {
        if (caller != owner) _spendAllowance(owner, caller, shares);
        _exits[owner].shares -= uint192(shares);
        _burn(address(this), shares);
        _assets -= amount;
        IERC20(asset()).safeTransfer(receiver, amount);
        emit Withdraw(caller, receiver, owner, amount, shares);
    }

    /* COVER */

    /// @inheritdoc IInsuranceFund
    function cover(bytes32 account, uint256 deficit) external returns (uint256 covered) {
        if (msg.sender != auction) revert NotAuction(msg.sender);
        uint256 room = coverRoom();
        covered = deficit < room ? deficit : room;
        if (covered == 0) return 0;
        _covered.set(_coverUsed() + covered);
        _assets -= covered;
        IERC20(asset()).forceApprove(address(clearinghouse.treasury()), covered);
        clearinghouse.deposit(account, covered);
        emit DeficitCovered(account, covered);
    }

    /// @inheritdoc IInsuranceFund
    function coverRoom() public view returns (uint256) {
        // Half of what the fund had before it covered what is still counted.
        uint256 used = _coverUsed();
        uint256 capacity = (_assets + used) / 2;
        return capacity > used ? capacity - used : 0;
    }

    function _coverUsed() private view returns (uint256) {
        return _covered.used((_assets + _covered.level) / 2, COVER_PERIOD);
    }

    /* VIEWS */

    /// @inheritdoc IInsuranceFund
    function exitOf(address owner) external view returns (Exit memory) {
        return _exits[owner];
    }
}
