// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {LeakyBucketLib} from "./libraries/LeakyBucketLib.sol";

/// @title Guard
/// @notice See {IGuard}, which documents every entry point, event and error.
/// @custom:invariant G1 a switch is paused for at most twice PAUSE_BUDGET in any PAUSE_PERIOD
/// @custom:invariant G2 a guardian cannot keep the owner from replacing it
contract Guard is IGuard, Ownable2Step {
    using LeakyBucketLib for LeakyBucketLib.Bucket;

    /// @inheritdoc IGuard
    uint256 public constant PAUSE_BUDGET = 36 hours;
    /// @inheritdoc IGuard
    uint256 public constant PAUSE_PERIOD = 30 days;

    /// @inheritdoc IGuard
    address public guardian;
    /// @inheritdoc IGuard
    mapping(Switch what => uint64) public pausedUntil;
    mapping(Switch what => LeakyBucketLib.Bucket) private _spent;

    modifier onlyGuardian() {
        if (!isGuardian(msg.sender)) revert NotGuardian(msg.sender);
        _;
    }

    constructor(address owner_, address guardian_) Ownable(owner_) {
        _setGuardian(guardian_);
    }

    /* OWNER */

    /// @inheritdoc IGuard
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    function _setGuardian(address guardian_) private {
        emit GuardianChanged(guardian, guardian_);
        guardian = guardian_;
    }

    /* PAUSES */

    /// @inheritdoc IGuard
    function pause(Switch what, uint256 duration) external onlyGuardian {
        uint256 room = pauseRoom(what);
        // In 256 bits first: a duration beyond the budget may not wrap around.
        if (duration > PAUSE_BUDGET) revert PauseBudgetSpent(what, duration, room);
        uint64 before = pausedUntil[what];
        uint64 until = uint64(block.timestamp + duration);
        if (until <= before || duration == 0) revert PauseNotLonger(what, until, before);
        uint256 charge = until - (before > block.timestamp ? before : block.timestamp);
        if (charge > room) revert PauseBudgetSpent(what, charge, room);
        _spent[what].set(_used(what) + charge);
        pausedUntil[what] = until;
        emit Paused(what, until);
    }

    /// @inheritdoc IGuard
    function unpause(Switch what) external onlyGuardian {
        uint256 until = pausedUntil[what];
        if (until <= block.timestamp) revert NotPaused(what);
        (uint256 used, uint256 left) = (_used(what), until - block.timestamp);
        _spent[what].set(used > left ? used - left : 0);
        pausedUntil[what] = uint64(block.timestamp);
        emit Unpaused(what);
    }

    function _used(Switch what) private view returns (uint256) {
        return _spent[what].used(PAUSE_BUDGET, PAUSE_PERIOD);
    }

    /* TIMELOCK */

    /// @inheritdoc IGuard
    function cancel(address target, uint256 value, bytes calldata data, bytes32 predecessor, bytes32 salt)
        external
        onlyGuardian
    {
        if (target == address(this) && bytes4(data) == IGuard.setGuardian.selector) revert ReplacesGuardian();
        _timelock().cancel(_timelock().hashOperation(target, value, data, predecessor, salt));
    }

    /// @inheritdoc IGuard
    function cancelBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) external onlyGuardian {
        _timelock().cancel(_timelock().hashOperationBatch(targets, values, payloads, predecessor, salt));
    }

    function _timelock() private view returns (TimelockController) {
        return TimelockController(payable(owner()));
    }

    /* VIEWS */

    /// @inheritdoc IGuard
    function requireOpen(Switch what) external view {
        if (isPaused(what)) revert IsPaused(what, pausedUntil[what]);
    }

    /// @inheritdoc IGuard
    function isPaused(Switch what) public view returns (bool) {
        return block.timestamp < pausedUntil[what];
    }

    /// @inheritdoc IGuard
    function pauseRoom(Switch what) public view returns (uint256) {
        return _spent[what].room(PAUSE_BUDGET, PAUSE_PERIOD);
    }

    /// @inheritdoc IGuard
    function isGuardian(address who) public view returns (bool) {
        return who == guardian || who == owner();
    }
}
