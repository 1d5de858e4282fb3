// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What is in force in which epoch
/// @notice One key at a time, and at most one change ahead: never two in one epoch, never none. What an epoch had stays
/// known for whoever is late, so a change makes nothing invalid that was signed before it.
library EpochSchedule {
    /// @dev More than a year of epochs on a chain of 12 seconds a block.
    uint64 internal constant MAX_NOTICE = 100_000;
    uint64 internal constant FOREVER = type(uint64).max;

    error EpochOutOfNotice(uint64 fromEpoch, uint64 currentEpoch, uint64 maxNotice);

    /// @dev Both ends belong to it. `fromEpoch` 0 means that the key was never in force; nothing is in epoch 0. `quorum` is how many have to speak for the key, kept here to be read with the rest.
    struct Window {
        uint64 fromEpoch;
        uint64 lastEpoch;
        uint8 quorum;
    }

    struct Schedule {
        bytes32 present;
        bytes32 next;
        mapping(bytes32 key => Window) windows;
    }

    function covers(Schedule storage self, bytes32 key, uint64 epoch) internal view returns (bool isIn, uint8 quorum) {
        Window storage window = self.windows[key];
        (uint64 from, uint64 last) = (window.fromEpoch, window.lastEpoch);
        quorum = window.quorum;
        isIn = from != 0 && epoch >= from && epoch <= last;
    }

    /// @notice The key of an epoch from the present one on.
    function keyOf(Schedule storage self, uint64 epoch) internal view returns (bytes32) {
        bytes32 next = self.next;
        return next != 0 && epoch >= self.windows[next].fromEpoch ? next : self.present;
    }

    function start(Schedule storage self, bytes32 key, uint8 quorum) internal {
        self.present = key;
        self.windows[key] = Window(1, FOREVER, quorum);
    }

    /// @notice Puts `key` in force from a later epoch on, in place of any other change ahead.
    /// @dev The present key calls the change ahead off.
    function change(Schedule storage self, bytes32 key, uint8 quorum, uint64 fromEpoch, uint64 currentEpoch) internal {
        if (fromEpoch <= currentEpoch || fromEpoch - currentEpoch > MAX_NOTICE) {
            revert EpochOutOfNotice(fromEpoch, currentEpoch, MAX_NOTICE);
        }
        _settle(self, currentEpoch);
        bool callsOff = key == self.present;
        self.windows[self.present].lastEpoch = callsOff ? FOREVER : fromEpoch - 1;
        if (callsOff) return;
        self.windows[key] = Window(fromEpoch, FOREVER, quorum);
        self.next = key;
    }

    /// @notice Ends what is in force after `lastEpoch`, and puts `key` in force from the epoch after the present one.
    function replace(Schedule storage self, bytes32 key, uint8 quorum, uint64 lastEpoch, uint64 currentEpoch) internal {
        _settle(self, currentEpoch);
        self.windows[self.present].lastEpoch = lastEpoch;
        self.present = key;
        self.windows[key] = Window(currentEpoch + 1, FOREVER, quorum);
    }

    /// @dev A change that has come about is the present; one that has not is taken back.
    function _settle(Schedule storage self, uint64 currentEpoch) private {
        bytes32 next = self.next;
        if (next == 0) return;
        if (self.windows[next].fromEpoch <= currentEpoch) self.present = next;
        else delete self.windows[next];
        self.next = 0;
    }
}
