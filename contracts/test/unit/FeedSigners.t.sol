// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IFeedSigners} from "../../src/interfaces/IFeedSigners.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {SignerSets} from "../../src/libraries/SignerSets.sol";
import {ExpiryQuote, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Feed keys: rotation, removal and standby; never a margin key.
contract FeedSignersTest is Fixture {
    uint256[] private newKeys;

    function setUp() public override {
        super.setUp();
        newKeys = _sortedKeys("next feed signer", 4);
    }

    function test_setSigners_newOnesSign_oldOnesDoNot() public {
        feeds.setSigners(_addresses(newKeys), 3);
        assertEq(uint256(feeds.threshold()), 3, "threshold");
        assertEq(feeds.signers().length, 4, "signers");
        assertFalse(feeds.isSigner(vm.addr(feedKeys[0])), "old");
        vm.warp(block.timestamp + 60);
        vm.expectPartialRevert(QuorumLib.NotEnoughSignatures.selector);
        this.update(feedKeys, 2);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        this.update(feedKeys, 3);
        this.update(newKeys, 3);
    }

    function test_removeSigner_downToOneMoreThanTheThreshold() public {
        // 2k > n is asked of a set of five with k = 3.
        uint256[] memory five = _sortedKeys("five", 5);
        feeds.setSigners(_addresses(five), 3);
        address removed = vm.addr(five[0]);
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IFeedSigners.NotGuardian.selector, mallory.owner));
        feeds.removeSigner(removed);
        vm.warp(block.timestamp + 60);
        uint256 snapshot = vm.snapshotState();
        this.update(five, 3);
        assertTrue(vm.revertToState(snapshot), "revert");
        vm.prank(guardian);
        feeds.removeSigner(removed);
        vm.expectRevert(abi.encodeWithSelector(QuorumLib.InvalidSigner.selector, removed, 0));
        this.update(five, 3);
        address next = vm.addr(five[1]);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(SignerSets.TooFewSignersLeft.selector, 3, uint8(3)));
        feeds.removeSigner(next);
    }

    function test_standby_namedByTheOwner_activatedByTheGuardian() public {
        vm.prank(guardian);
        vm.expectRevert(IFeedSigners.NoStandby.selector);
        feeds.activateStandby();
        vm.prank(guardian);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        feeds.setStandby(_addresses(newKeys), 3);
        feeds.setStandby(_addresses(newKeys), 3);
        assertTrue(feeds.isSigner(vm.addr(newKeys[0])), "as standby");
        vm.prank(mallory.owner);
        vm.expectPartialRevert(IFeedSigners.NotGuardian.selector);
        feeds.activateStandby();
        vm.warp(block.timestamp + 60);
        vm.expectPartialRevert(QuorumLib.NotEnoughSignatures.selector);
        this.update(newKeys, 3);
        vm.prank(guardian);
        feeds.activateStandby();
        this.update(newKeys, 3);
        assertEq(feeds.standby(), bytes32(0), "used up");
    }

    /// @dev R1: one operator on both sides would hold requirement and equity.
    function test_R1_marginSigners_neverSignFeeds() public {
        address[] memory mixed = new address[](1);
        mixed[0] = vm.addr(marginKeys[0]);
        bytes memory refused = abi.encodeWithSelector(IFeedSigners.SignerAlsoSignsMargins.selector, mixed[0]);
        vm.expectRevert(refused);
        feeds.setSigners(mixed, 1);
        vm.expectRevert(refused);
        feeds.setStandby(mixed, 1);
        // Named first, and taken on by the oracle after: the oracle refuses as well, and activation looks again.
        feeds.setStandby(_addresses(newKeys), 3);
        vm.expectRevert();
        oracle.setStandby(_addresses(newKeys), 3);
        address turned = vm.addr(newKeys[0]);
        vm.mockCall(address(oracle), abi.encodeCall(IFeedSigners.isSigner, (turned)), abi.encode(true));
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IFeedSigners.SignerAlsoSignsMargins.selector, turned));
        feeds.activateStandby();
        vm.clearMockedCalls();
        vm.prank(guardian);
        feeds.activateStandby();
    }

    function test_connectOracle_onceAndByTheOwner() public {
        vm.expectRevert(abi.encodeWithSelector(IFeedSigners.AlreadyConnected.selector, address(oracle)));
        feeds.connectOracle(mallory.owner);
        vm.prank(mallory.owner);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        feeds.connectOracle(mallory.owner);
        assertEq(feeds.oracle(), address(oracle), "oracle");
        assertEq(feeds.guard(), address(guard), "guard");
    }

    function test_setSigners_badSets_reverts() public {
        address[] memory list = _addresses(newKeys);
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        feeds.setSigners(list, 2);
        vm.prank(guardian);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        feeds.setSigners(list, 3);
    }

    function update(uint256[] memory keys, uint256 count) external {
        uint64 time = uint64(block.timestamp);
        ExpiryQuote[] memory quotes = _quotes(BTC);
        Signature[] memory signed = _signatures(keys, count, feeds.updateDigest(BTC, time, quotes));
        feeds.updateSurface(BTC, time, quotes, signed);
    }
}
