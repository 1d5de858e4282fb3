// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Guard
/// @notice Who may act without the timelock, and pauses within a budget. All that a guardian can do takes away: a signer, a discount,
/// a queued operation, or time. Deposits, cures, liquidation and settlement know no pause.
interface IGuard {
    /// @dev NewRisk: trades must reduce. Withdrawals: no cash, no token and no claim leaves.
    enum Switch {
        NewRisk,
        Withdrawals
    }

    event GuardianChanged(address before, address present);
    event Paused(Switch indexed what, uint64 until);
    event Unpaused(Switch indexed what);

    error NotGuardian(address caller);
    error IsPaused(Switch what, uint64 until);
    error NotPaused(Switch what);
    error PauseNotLonger(Switch what, uint64 asked, uint64 until);
    error PauseBudgetSpent(Switch what, uint256 asked, uint256 room);
    error ReplacesGuardian();

    /// @notice Owner: names the guardian; zero for none.
    function setGuardian(address guardian) external;

    /// @notice Guardian: pauses for `duration` seconds from now, or prolongs a pause to that. It ends by itself.
    /// @dev Each switch has a budget of PAUSE_BUDGET that refills over PAUSE_PERIOD: at most twice that in any PAUSE_PERIOD.
    function pause(Switch what, uint256 duration) external;

    /// @notice Guardian: ends a pause; what was not used goes back to the budget.
    function unpause(Switch what) external;

    /// @notice Guardian: cancels an operation of the timelock that owns this contract, but not its own replacement.
    function cancel(address target, uint256 value, bytes calldata data, bytes32 predecessor, bytes32 salt) external;

    /// @notice As {cancel}, for a batch. A guardian is replaced by a single operation: a batch may be cancelled whatever it holds.
    function cancelBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) external;

    /// @notice Reverts while the switch is paused.
    function requireOpen(Switch what) external view;

    function isPaused(Switch what) external view returns (bool);

    function pausedUntil(Switch what) external view returns (uint64);

    /// @notice Seconds for which the switch could be paused now.
    function pauseRoom(Switch what) external view returns (uint256);

    function guardian() external view returns (address);

    /// @notice Whether `who` may do what guardians may: the guardian and the owner.
    function isGuardian(address who) external view returns (bool);

    function PAUSE_BUDGET() external view returns (uint256);

    function PAUSE_PERIOD() external view returns (uint256);
}
