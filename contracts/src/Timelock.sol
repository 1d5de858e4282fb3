// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice OpenZeppelin's controller as the owner of every contract: it administers itself, anybody may execute what has waited long
/// enough, and the guard may cancel.
/// @custom:invariant T1 nothing is executed earlier than MIN_DELAY after it was scheduled
contract Timelock is TimelockController {
    /// @notice Longer than withdrawals can be paused in that time (three days) and a claim waits (one): whoever sees an operation
    /// that he does not like can always leave before it.
    uint256 public constant MIN_DELAY = 5 days;
    /// @notice A longer delay would only keep signers from being replaced.
    uint256 public constant MAX_DELAY = 30 days;

    error DelayOutOfBounds(uint256 delay, uint256 least, uint256 most);

    constructor(uint256 delay, address[] memory proposers, address guard)
        TimelockController(delay, proposers, new address[](1), address(0))
    {
        if (delay < MIN_DELAY || delay > MAX_DELAY) revert DelayOutOfBounds(delay, MIN_DELAY, MAX_DELAY);
        _grantRole(CANCELLER_ROLE, guard);
    }

    /// @notice Takes contracts that were offered to this one; anybody may call, as nothing is lost by owning more.
    function accept(Ownable2Step[] calldata offered) external {
        for (uint256 i; i < offered.length; ++i) {
            offered[i].acceptOwnership();
        }
    }

    /// @notice The delay that was set, brought within the bounds.
    function getMinDelay() public view override returns (uint256) {
        uint256 delay = super.getMinDelay();
        if (delay > MAX_DELAY) return MAX_DELAY;
        return delay < MIN_DELAY ? MIN_DELAY : delay;
    }
}
