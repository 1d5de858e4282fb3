// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LegsLib} from "../../src/libraries/LegsLib.sol";
import {Leg} from "../../src/types/Types.sol";
import {Assertions} from "../support/Assertions.sol";

/// @notice Differences of books: base + since = present, leg by leg, sorted and without zeros.
contract LegsTest is Assertions {
    uint256 private constant IDS = 12;

    function since(Leg[] calldata present, Leg[] calldata base) external pure returns (Leg[] memory) {
        return LegsLib.since(present, base);
    }

    function testFuzz_since_addedToTheBase_isThePresentBook(uint256 seed) public view {
        Leg[] memory present = _book(seed, 0);
        Leg[] memory base = _book(seed, 1);
        Leg[] memory change = this.since(present, base);
        int256[IDS + 1] memory sum;
        for (uint256 i; i < base.length; ++i) {
            sum[base[i].instrument] += base[i].lots;
        }
        for (uint256 i; i < change.length; ++i) {
            assertTrue(change[i].lots != 0, "no zeros");
            if (i != 0) assertLt(uint256(change[i - 1].instrument), change[i].instrument, "sorted, each once");
            sum[change[i].instrument] += change[i].lots;
        }
        for (uint256 i; i < present.length; ++i) {
            sum[present[i].instrument] -= present[i].lots;
        }
        for (uint256 id; id <= IDS; ++id) {
            assertEq(sum[id], 0, "base plus since");
        }
    }

    function test_since_sameBookOrNone() public view {
        Leg[] memory book = _book(7, 0);
        assertEq(this.since(book, book).length, 0, "nothing since");
        assertEq(this.since(book, new Leg[](0)).length, book.length, "all of it");
        assertEq(this.since(new Leg[](0), book).length, book.length, "all gone");
        assertEq(this.since(new Leg[](0), new Leg[](0)).length, 0, "none");
    }

    /// @dev 55: a quorum may sign a base of any lots; what does not fit is refused, never wrapped.
    function test_55_since_extremeLots_revert() public {
        Leg[] memory present = new Leg[](1);
        Leg[] memory base = new Leg[](1);
        present[0] = Leg(1, 1);
        base[0] = Leg(1, type(int64).min);
        vm.expectRevert();
        this.since(present, base);
        base[0] = Leg(1, -type(int64).max + 1);
        assertEq(int256(this.since(present, base)[0].lots), type(int64).max, "the last that fits");
    }

    /// @dev A sorted book of some of the ids 1 to 12.
    function _book(uint256 seed, uint256 which) private pure returns (Leg[] memory book) {
        book = new Leg[](IDS);
        uint256 n;
        for (uint128 id = 1; id <= IDS; ++id) {
            uint256 word = uint256(keccak256(abi.encode(seed, which, id)));
            if (word % 3 == 0) continue;
            book[n++] = Leg(id, int64(int256(word >> 64) % 5 + (word >> 128 & 1 == 0 ? int256(5) : int256(-5))));
        }
        assembly ("memory-safe") {
            mstore(book, n)
        }
    }
}
