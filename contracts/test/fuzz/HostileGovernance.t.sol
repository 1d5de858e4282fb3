// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IGuard} from "../../src/interfaces/IGuard.sol";
import {ISpotFeeds} from "../../src/interfaces/ISpotFeeds.sol";
import {Model} from "../support/Model.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice R14: whatever owner and guardian do together, nobody is flaggable for it at once, and later no faster than the ramp.
contract HostileGovernanceTest is RandomBooks {
    error Outcome(bool flagged, bytes32 how);

    uint32 private constant TODAY = uint32(START / 1 days);

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
        _fillRing();
    }

    /* RAMP */

    function test_R14_5_setScanFloor_risesInAStraightLineOverSevenDays() public {
        uint256 range = engine.scanRangeOf(BTC);
        uint24 target = uint24(2 * range / 1e12);
        spots.setScanFloor(BTC, target);
        assertEq(uint256(engine.scanRangeOf(BTC)), range, "nothing at once");
        for (uint256 day = 1; day <= 7; ++day) {
            vm.warp(START + day * 1 days);
            assertClose(uint256(engine.scanRangeOf(BTC)), range * (7 + day) / 7, 3e12, "a seventh a day");
        }
        vm.warp(START + 100 days);
        assertEq(uint256(engine.scanRangeOf(BTC)), uint256(target) * 1e12, "and no further");
        (uint256 present, uint256 aim) = spots.scanFloor(BTC);
        assertEq(present, aim, "arrived");
        spots.setScanFloor(BTC, 0);
        assertEq(uint256(engine.scanRangeOf(BTC)), range, "it falls at once");
    }

    function test_setScanFloor_bounds() public {
        uint256 range = engine.scanRangeOf(BTC);
        uint24 most = uint24(2 * range / 1e12);
        vm.prank(guardian);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        spots.setScanFloor(BTC, most);
        vm.expectRevert(
            abi.encodeWithSelector(ISpotFeeds.ScanFloorTooHigh.selector, BTC, (uint256(most) + 1) * 1e12, 2 * range)
        );
        spots.setScanFloor(BTC, most + 1);
        spots.setScanFloor(BTC, most);
        vm.warp(START + 7 days);
        spots.setScanFloor(BTC, uint24(4 * range / 1e12) - 4);
        vm.warp(START + 14 days);
        // Here the cap of the rule is nearer than twice the present range.
        spots.setScanFloor(BTC, uint24(Model.scanRule().cap / 1e12));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISpotFeeds.ScanFloorTooHigh.selector, BTC, uint256(Model.scanRule().cap) + 1e12, Model.scanRule().cap
            )
        );
        spots.setScanFloor(BTC, uint24(Model.scanRule().cap / 1e12) + 1);
        // Without a ring there is nothing to start from.
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.NoScanRange.selector, ETH));
        spots.setScanFloor(ETH, 1);
    }

    /// @dev However often the owner asks for the most.
    function test_R14_6_setScanFloor_everyHour_neverFasterThanTheTableItself() public {
        uint256 before = engine.scanRangeOf(BTC);
        for (uint256 hour; hour < 14 * 24; ++hour) {
            uint256 present = engine.scanRangeOf(BTC);
            uint256 most = 2 * present < Model.scanRule().cap ? 2 * present : Model.scanRule().cap;
            spots.setScanFloor(BTC, uint24(most / 1e12));
            vm.warp(vm.getBlockTimestamp() + 1 hours);
            if (hour % 24 != 23) continue;
            uint256 range = engine.scanRangeOf(BTC);
            assertLe(range, before * 116 / 100, "16 % a day when compounded by the hour");
            before = range;
        }
    }

    /* ALL POWERS */

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_R14_7_hostileGovernance_nobodyFlaggableForIt(uint256 seed) public {
        _atLeastMargin(seed);
        _advance(60, BTC_SPOT * (95 + _word(seed, 9) % 11) / 100, ETH_SPOT * (95 + _word(seed, 10) % 11) / 100);
        bytes32 alone = _outcomes();
        for (uint256 i; i < 12; ++i) {
            try this.act(_word(seed, 100 + i)) {} catch {}
        }
        assertEq(_outcomes(), alone, "the same accounts by the same scenarios, with the same numbers");
    }

    /// @dev Positive control: an act that is not ramped, as if the floor had been set long ago, does change who can be flagged.
    function test_R14_7_control_floorWithoutARamp_changesTheNumbers() public {
        _tradeAtMark(alice, dealer, _perpetual(BTC), 1_000);
        bytes32 alone = _outcomes();
        spots.setScanFloor(BTC, uint24(2 * engine.scanRangeOf(BTC) / 1e12));
        assertEq(_outcomes(), alone, "ramped");
        uint256 now_ = vm.getBlockTimestamp();
        vm.warp(now_ + 7 days);
        uint256 raised = _health(alice.account).maintenance;
        spots.setScanFloor(BTC, 0);
        assertLt(_health(alice.account).maintenance, raised, "what a setter without a ramp would have done");
    }

    function act(uint256 word) external {
        uint256 what = word % 16;
        word >>= 8;
        if (what == 0) spots.setScanFloor(BTC, uint24(bound(word, 0, 2 * engine.scanRangeOf(BTC) / 1e12)));
        else if (what == 1) oracle.setDiscountPerDay(uint128(bound(word, 0, 10 * DISCOUNT_PER_DAY)));
        else if (what == 2) oracle.scheduleSigners(_addresses(_sortedKeys("x", 3)), 2, oracle.currentEpoch() + 1);
        else if (what == 3) oracle.scheduleModel(bytes32(word | 1), oracle.currentEpoch() + 1);
        else if (what == 4) _standby();
        else if (what == 5) feeds.setSigners(_addresses(_sortedKeys("y", 3)), 2);
        else if (what == 6) oracle.stopDiscount();
        else if (what == 7) guard.pause(IGuard.Switch(word % 2), 1 + word % 36 hours);
        else if (what == 8) feeds.addExpiry(BTC, uint40(block.timestamp + 1 + word % 1_000 days));
        else if (what == 9) _newUnderlying(uint16(3 + word % 9));
        else if (what == 10) oracle.restoreDiscount();
        else _market(what, word);
    }

    function _market(uint256 what, uint256 word) private {
        uint128[] memory one = new uint128[](1);
        uint128[] memory all = _allInstruments();
        one[0] = all[word % all.length];
        if (what == 11) {
            listings.setCloseOnly(one);
        } else if (what == 12) {
            listings.setOpenInterestCap(uint16(1 + word % 2), uint64(word >> 8));
        } else if (what == 13) {
            collateral.addToken(address(ethToken), ETH, uint64(2e16 + word % 5e17), uint128(word % 2 ** 56));
        } else if (what == 14) {
            collateral.setCap(1, uint128(word % 2 ** 56));
        } else {
            listings.list(one);
        }
    }

    function _standby() private {
        oracle.setStandby(_addresses(_sortedKeys("z", 3)), 2);
        oracle.activateStandby();
    }

    function _newUnderlying(uint16 u) private {
        spots.addUnderlying(u, address(btcFeed), 1, spots.scanSigmas(BTC));
        feeds.addUnderlying(u, _limits(0));
    }

    /* HELPERS */

    function _atLeastMargin(uint256 seed) private {
        _randomBook(alice, seed, 6);
        int256 free = _equity(alice.account) - int256(_health(alice.account).gridInitial);
        if (free > _cash(alice.account)) free = _cash(alice.account);
        if (free > 0) try this.takeOut(uint256(free)) {} catch {}
    }

    function takeOut(uint256 amount) external {
        _withdraw(alice, amount, _noClaim());
    }

    function _outcomes() private returns (bytes32 all) {
        for (uint8 s; s <= Model.SCENARIOS; ++s) {
            try this.flagAndForget(alice.account, s) {}
            catch (bytes memory reason) {
                all = keccak256(abi.encode(all, reason));
            }
        }
    }

    function flagAndForget(bytes32 account, uint8 scenario) external {
        try auction.flag(account, scenario) {
            revert Outcome(true, bytes32(0));
        } catch (bytes memory reason) {
            revert Outcome(false, keccak256(reason));
        }
    }

    /// @dev Sixty days of bitcoin, so that its scan range comes from the ring.
    function _fillRing() private {
        uint32[] memory days_ = new uint32[](60);
        uint80[] memory rounds = new uint80[](60);
        for (uint32 i; i < 60; ++i) {
            days_[i] = TODAY - 59 + i;
            btcFeed.postAt(int256(uint256(BTC_SPOT) * (100 + i % 3) / 100), uint256(days_[i]) * 1 days - 60);
            (rounds[i],,,,) = btcFeed.latestRoundData();
        }
        _postSpot(BTC, BTC_SPOT);
        spots.observe(BTC, days_, rounds);
    }
}
