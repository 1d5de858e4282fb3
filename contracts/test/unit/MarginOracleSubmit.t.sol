// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginOracle} from "../../src/MarginOracle.sol";
import {MarketFeeds} from "../../src/MarketFeeds.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {MarginAttestation, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice Every refusal of submit, each beside the same attestation accepted.
contract MarginOracleSubmitTest is Fixture {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    uint64 private epoch;

    function setUp() public override {
        super.setUp();
        epoch = _newEpoch();
    }

    /* ACCEPTED */

    function test_submit_quorum_storesTheSignedWordsAndEmits() public {
        MarginAttestation memory a = _good();
        bytes32 digest = oracle.attestationDigest(a);
        Signature[] memory s = _signatures(marginKeys, MARGIN_THRESHOLD, digest);
        vm.expectEmit(address(oracle));
        emit IMarginOracle.Attested(epoch, a.marginRoot, digest, a);
        oracle.submit(a, s);
        (uint64 e, uint64 block_, uint64 time, uint32 leaves, bytes32 root, bytes32 stored) = oracle.latest();
        assertEq(uint256(e), epoch, "epoch");
        assertEq(uint256(block_), a.refBlock, "refBlock");
        assertEq(uint256(time), a.refTime, "refTime as signed, not block time");
        assertEq(uint256(leaves), a.leafCount, "leafCount");
        assertEq(root, a.marginRoot, "root");
        assertEq(stored, digest, "digest");
    }

    function test_submit_anyThreeOfFourSigners_pass() public {
        for (uint256 out; out < 4; ++out) {
            MarginAttestation memory a = _good();
            uint256[] memory three = new uint256[](3);
            uint256 n;
            for (uint256 i; i < 4; ++i) {
                if (i != out) three[n++] = marginKeys[i];
            }
            vm.prank(mallory.owner); // permissionless
            oracle.submit(a, _signatures(three, 3, oracle.attestationDigest(a)));
            assertStored(epoch);
            epoch = _newEpoch();
        }
    }

    function test_submit_nextEpoch_replaces() public {
        _accept(_good());
        epoch = _newEpoch();
        MarginAttestation memory a = _good();
        a.marginRoot = keccak256("another root");
        _accept(a);
    }

    function test_submit_skippedEpochs_pass() public {
        _accept(_good());
        vm.roll(block.number + 10 * EPOCH_BLOCKS);
        epoch = uint64(block.number / EPOCH_BLOCKS);
        _accept(_good());
    }

    function test_submit_sameAgain_isANoOpEvenWithGarbageSignatures() public {
        MarginAttestation memory a = _good();
        _accept(a);
        Signature[] memory garbage = new Signature[](1);
        garbage[0] = Signature(bytes32(uint256(1)), bytes32(uint256(2)));
        oracle.submit(a, garbage);
        oracle.submit(a, new Signature[](0));
        // Long after the block hash is out of reach it is still no error.
        vm.roll(block.number + 1_000);
        oracle.submit(a, garbage);
        assertStored(epoch);
    }

    /* SIGNATURES */

    function test_submit_tooFewOrTooManySignatures_reverts() public {
        MarginAttestation memory a = _good();
        bytes32 digest = oracle.attestationDigest(a);
        for (uint256 count; count <= 4; ++count) {
            if (count == MARGIN_THRESHOLD) continue;
            _refuse(
                a,
                _signatures(marginKeys, count, digest),
                abi.encodeWithSelector(QuorumLib.NotEnoughSignatures.selector, count, MARGIN_THRESHOLD)
            );
        }
        _accept(a);
    }

    function test_submit_duplicateSigner_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        s[1] = s[0];
        _refuse(a, s, _invalid(vm.addr(marginKeys[0]), 1));
        _accept(a);
    }

    function test_submit_unsortedSigners_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        (s[1], s[2]) = (s[2], s[1]);
        _refuse(a, s, _invalid(vm.addr(marginKeys[1]), 2));
        _accept(a);
    }

    function test_submit_outsider_revertsWhereverItsAddressSorts() public {
        MarginAttestation memory a = _good();
        bytes32 digest = oracle.attestationDigest(a);
        for (uint256 i; i < 3; ++i) {
            Signature[] memory s = _signed(a);
            (s[i].r, s[i].vs) = vm.signCompact(mallory.key, digest);
            vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
            oracle.submit(a, s);
        }
        _accept(a);
    }

    function test_submit_feedSigners_areOutsiders() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signatures(feedKeys, 3, oracle.attestationDigest(a));
        _refuse(a, s, _invalid(vm.addr(feedKeys[0]), 0));
        _accept(a);
    }

    function test_submit_zeroSignature_reverts() public {
        MarginAttestation memory a = _good();
        for (uint256 i; i < 3; ++i) {
            Signature[] memory s = _signed(a);
            s[i] = Signature(0, 0);
            _refuse(a, s, _invalid(address(0), i));
        }
        _accept(a);
    }

    function test_submit_garbageSignature_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        s[0] = Signature(bytes32(type(uint256).max), bytes32(type(uint256).max));
        _refuse(a, s, _invalid(address(0), 0));
        s[0] = Signature(keccak256("r"), keccak256("s") >> 2);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.submit(a, s);
        _accept(a);
    }

    /// @dev The other valid s of the same key: 255 bits leave a window between n/2 and 2^255, which must be refused too.
    function test_submit_highS_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        uint256 low = uint256(s[0].vs) & (2 ** 255 - 1);
        uint256 parity = uint256(s[0].vs) >> 255;
        uint256 high = CURVE_ORDER - low;
        // As compact form it does not fit into 255 bits: the top bit reads as parity and another address results.
        s[0].vs = bytes32(high | (1 - parity) << 255);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.submit(a, s);
        // s just above n/2, where it still fits.
        s[0].vs = bytes32(CURVE_ORDER / 2 + 1);
        _refuse(a, s, _invalid(address(0), 0));
        _accept(a);
    }

    function test_submit_flippedParity_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        s[0].vs = bytes32(uint256(s[0].vs) ^ 1 << 255);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.submit(a, s);
        _accept(a);
    }

    function test_submit_personalSignOverTheDigest_reverts() public {
        MarginAttestation memory a = _good();
        bytes32 digest = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", oracle.attestationDigest(a)));
        Signature[] memory s = _signatures(marginKeys, 3, digest);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.submit(a, s);
        _accept(a);
    }

    function test_submit_signerWithDelegatedCode_stillCounts() public {
        MarginAttestation memory a = _good();
        vm.etch(vm.addr(marginKeys[0]), abi.encodePacked(hex"ef0100", address(usdc)));
        _accept(a);
    }

    function test_submit_otherChain_reverts() public {
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.submit(a, s);
        vm.chainId(here);
        _accept(a);
    }

    function test_submit_otherContractOfTheSameCode_reverts() public {
        MarginOracle twin = new MarginOracle(_settings());
        MarginAttestation memory a = _good();
        Signature[] memory s = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.WrongConfig.selector, a.configDigest, twin.configOf(1)));
        twin.submit(a, s);
        a.configDigest = twin.configOf(1);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        twin.submit(a, s);
        s = _signatures(marginKeys, 3, twin.attestationDigest(a));
        twin.submit(a, s);
        (uint64 stored,,,,,) = twin.latest();
        assertEq(uint256(stored), epoch, "accepted where it was meant for");
    }

    /* FIELDS */

    function test_submit_eachFieldTamperedAfterSigning_reverts() public {
        MarginAttestation memory a = _good();
        a.leafCount = 10;
        Signature[] memory s = _signed(a);
        for (uint256 field; field < 9; ++field) {
            MarginAttestation memory t = _good();
            t.leafCount = 10;
            if (field == 0) t.configDigest = bytes32(uint256(t.configDigest) + 1);
            if (field == 1) t.epoch -= 1;
            if (field == 2) t.refBlock -= 1;
            if (field == 3) t.refTime -= 1;
            if (field == 4) t.leafCount += 1;
            if (field == 5) t.refBlockHash = bytes32(uint256(t.refBlockHash) + 1);
            if (field == 6) t.modelHash = bytes32(uint256(t.modelHash) + 1);
            if (field == 7) t.marginRoot = bytes32(uint256(t.marginRoot) + 1);
            if (field == 8) t.bundleHash = bytes32(uint256(t.bundleHash) + 1);
            vm.expectRevert();
            oracle.submit(t, s);
        }
        // Fields that only the signature protects.
        for (uint256 field; field < 4; ++field) {
            MarginAttestation memory t = _good();
            t.leafCount = 10;
            if (field == 0) t.refTime -= 1;
            if (field == 1) t.leafCount += 1;
            if (field == 2) t.marginRoot = bytes32(uint256(t.marginRoot) + 1);
            if (field == 3) t.bundleHash = bytes32(uint256(t.bundleHash) + 1);
            vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
            oracle.submit(t, s);
        }
        oracle.submit(a, s);
        assertStored(epoch);
    }

    function test_submit_wrongConfig_reverts() public {
        MarginAttestation memory a = _good();
        a.configDigest = keccak256("other");
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongConfig.selector, a.configDigest, oracle.configOf(1)));
        _accept(_good());
    }

    function test_submit_wrongModel_reverts() public {
        MarginAttestation memory a = _good();
        a.modelHash = keccak256("other");
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongModel.selector, a.modelHash, MODEL_HASH));
        _accept(_good());
    }

    function test_submit_zeroRootBundleOrLeafCount_reverts() public {
        bytes memory empty = abi.encodeWithSelector(IMarginOracle.EmptyRoot.selector);
        MarginAttestation memory a = _good();
        a.marginRoot = 0;
        _refuseSigned(a, empty);
        a = _good();
        a.bundleHash = 0;
        _refuseSigned(a, empty);
        a = _good();
        a.leafCount = 0;
        _refuseSigned(a, empty);
        _accept(_good());
    }

    /* BLOCKS */

    function test_submit_wrongBlockHash_reverts() public {
        MarginAttestation memory a = _good();
        bytes32 actual = a.refBlockHash;
        a.refBlockHash = keccak256("reorged");
        _refuseSigned(
            a, abi.encodeWithSelector(IMarginOracle.WrongBlockHash.selector, a.refBlock, a.refBlockHash, actual)
        );
        a.refBlockHash = 0;
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongBlockHash.selector, a.refBlock, bytes32(0), actual));
        _accept(_good());
    }

    function test_submit_afterAReorg_reverts() public {
        MarginAttestation memory a = _good();
        bytes32 before = a.refBlockHash;
        vm.setBlockhash(a.refBlock, keccak256("the other branch"));
        _refuseSigned(
            a,
            abi.encodeWithSelector(
                IMarginOracle.WrongBlockHash.selector, a.refBlock, before, keccak256("the other branch")
            )
        );
        vm.setBlockhash(a.refBlock, before);
        _accept(a);
    }

    function test_submit_refBlockNotTheEpochs_reverts() public {
        for (uint256 i; i < 2; ++i) {
            MarginAttestation memory a = _good();
            uint64 expected = a.refBlock;
            a.refBlock = i == 0 ? expected - 1 : expected + 1;
            a.refBlockHash = blockhash(a.refBlock);
            _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongRefBlock.selector, a.refBlock, expected));
        }
        _accept(_good());
    }

    function test_submit_currentOrFutureBlock_reverts() public {
        vm.roll(uint256(epoch) * EPOCH_BLOCKS);
        MarginAttestation memory a = _good();
        a.refBlockHash = keccak256("unknowable");
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.RefBlockNotInPast.selector, a.refBlock, block.number));
        vm.roll(block.number - 1);
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.RefBlockNotInPast.selector, a.refBlock, block.number));
        vm.roll(block.number + 2);
        _accept(_good());
    }

    function test_submit_age_128BlocksPass129Revert() public {
        MarginAttestation memory a = _good();
        vm.roll(uint256(a.refBlock) + 129);
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.RefBlockTooOld.selector, a.refBlock, block.number, 128));
        vm.roll(uint256(a.refBlock) + 128);
        _accept(a);
    }

    function test_submit_epochZero_reverts() public {
        MarginAttestation memory a = _good();
        (a.epoch, a.refBlock) = (0, 0);
        // No set signs epoch 0.
        vm.expectPartialRevert(IMarginOracle.WrongConfig.selector);
        this.submitSigned(a);
        _accept(_good());
    }

    /// @dev epoch * 32 wraps to a valid block in 64 bits; accepting it would end the feed for good.
    function test_submit_epochNearTheEndOf64Bits_reverts() public {
        MarginAttestation memory a = _good();
        a.epoch = type(uint64).max;
        uint64 wrapped;
        unchecked {
            wrapped = a.epoch * EPOCH_BLOCKS;
        }
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongRefBlock.selector, a.refBlock, wrapped));
        a.refBlock = wrapped;
        vm.expectPartialRevert(IMarginOracle.WrongRefBlock.selector);
        this.submitSigned(a);
        // The epoch whose product wraps exactly to this epoch's block.
        a.epoch = epoch + uint64(2 ** 59);
        a.refBlock = epoch * EPOCH_BLOCKS;
        vm.expectPartialRevert(IMarginOracle.WrongRefBlock.selector);
        this.submitSigned(a);
        _accept(_good());
    }

    function test_submit_equalOrLowerEpoch_reverts() public {
        MarginAttestation memory older = _attestation(epoch - 1, keccak256("root"), 3);
        _accept(_good());
        MarginAttestation memory other = _good();
        other.marginRoot = keccak256("equivocation");
        _refuseSigned(other, abi.encodeWithSelector(IMarginOracle.EpochNotAhead.selector, epoch, epoch));
        _refuseSigned(older, abi.encodeWithSelector(IMarginOracle.EpochNotAhead.selector, epoch - 1, epoch));
        epoch = _newEpoch();
        _accept(_good());
    }

    function test_submit_refTimeZeroOrFuture_reverts() public {
        MarginAttestation memory a = _good();
        a.refTime = 0;
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongRefTime.selector, uint64(0), block.timestamp));
        a.refTime = uint64(block.timestamp + 1);
        _refuseSigned(a, abi.encodeWithSelector(IMarginOracle.WrongRefTime.selector, a.refTime, block.timestamp));
        a.refTime = uint64(block.timestamp);
        _accept(a);
    }

    /* BYTES */

    /// @dev 42, and method 6: no byte of the call can be changed, but those of array offsets that still mean the same.
    function test_42_submit_eachByteOfTheCallFlipped_isRefused() public {
        MarginAttestation memory a = _good();
        bytes memory data = abi.encodeCall(oracle.submit, (a, _signed(a)));
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < data.length; ++i) {
            for (uint256 bit; bit < 8; bit += 7) {
                data[i] = bytes1(uint8(data[i]) ^ uint8(1 << bit));
                (bool ok,) = address(oracle).call(data);
                assertFalse(ok, vm.toString(i));
                data[i] = bytes1(uint8(data[i]) ^ uint8(1 << bit));
            }
        }
        (bool accepted,) = address(oracle).call(data);
        assertTrue(accepted, "positive control");
        assertTrue(vm.revertToState(snapshot), "revert");
        // Trailing bytes mean nothing, and change nothing.
        (accepted,) = address(oracle).call(abi.encodePacked(data, hex"deadbeef"));
        assertTrue(accepted, "trailing bytes");
        assertStored(epoch);
    }

    /* CONSTRUCTION */

    function test_constructor_signerOfFeedsToo_reverts() public {
        uint256[] memory keys = new uint256[](2);
        (keys[0], keys[1]) = (feedKeys[1], marginKeys[0]);
        if (vm.addr(keys[0]) > vm.addr(keys[1])) (keys[0], keys[1]) = (keys[1], keys[0]);
        vm.expectRevert(abi.encodeWithSelector(IAttestationConfig.SignerAlsoSignsFeeds.selector, vm.addr(feedKeys[1])));
        this.deployOracle(_addresses(keys), 2, EPOCH_BLOCKS);
        this.deployOracle(_addresses(marginKeys), 3, EPOCH_BLOCKS);
    }

    function test_constructor_badSignerSets_revert() public {
        _refuseSet(new address[](0), 0);
        _refuseSet(_addresses(marginKeys), 0);
        _refuseSet(_addresses(marginKeys), 2); // 2k <= n: two quorums need not overlap
        _refuseSet(_addresses(marginKeys), 5);
        address[] memory bad = _addresses(marginKeys);
        bad[0] = address(0);
        _refuseSet(bad, 3);
        bad = _addresses(marginKeys);
        bad[2] = bad[1];
        _refuseSet(bad, 3);
        bad = _addresses(marginKeys);
        (bad[1], bad[2]) = (bad[2], bad[1]);
        _refuseSet(bad, 3);
        this.deployOracle(_addresses(marginKeys), 3, EPOCH_BLOCKS);
        this.deployOracle(_addresses(marginKeys), 4, EPOCH_BLOCKS);
    }

    function test_constructor_epochBlocks_zeroOrBeyondTheBlockHashesRevert() public {
        uint64[4] memory bad = [uint64(0), 65, 2 ** 63, type(uint64).max];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert();
            this.deployOracle(_addresses(marginKeys), 3, bad[i]);
        }
        this.deployOracle(_addresses(marginKeys), 3, 64);
        this.deployOracle(_addresses(marginKeys), 3, 1);
    }

    function test_views_tellTheConfiguration() public view {
        assertEq(oracle.signersOf(oracle.configOf(1)).length, 4, "signers");
        assertTrue(oracle.isSigner(vm.addr(marginKeys[0])), "signer");
        assertFalse(oracle.isSigner(vm.addr(feedKeys[0])), "feed signer");
        assertEq(uint256(oracle.thresholdOf(oracle.configOf(1))), 3, "threshold");
        assertEq(uint256(oracle.epochBlocks()), EPOCH_BLOCKS, "epoch");
        assertEq(oracle.modelOf(1), MODEL_HASH, "model");
        bytes32 expected =
            keccak256(abi.encode(block.chainid, address(oracle), uint64(1), _addresses(marginKeys), uint8(3)));
        assertEq(oracle.configOf(1), expected, "config");
    }

    /* HELPERS */

    function deployOracle(address[] memory list, uint8 threshold, uint64 blocks) external {
        IAttestationConfig.Settings memory settings = _settings();
        (settings.signers, settings.threshold, settings.epochBlocks) = (list, threshold, blocks);
        new MarginOracle(settings);
    }

    function submitSigned(MarginAttestation memory a) external {
        oracle.submit(a, _signed(a));
    }

    function _refuseSet(address[] memory list, uint8 threshold) private {
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        this.deployOracle(list, threshold, EPOCH_BLOCKS);
    }

    function _good() private view returns (MarginAttestation memory) {
        return _attestation(epoch, keccak256("root"), 3);
    }

    function _signed(MarginAttestation memory a) private view returns (Signature[] memory) {
        return _signatures(marginKeys, MARGIN_THRESHOLD, oracle.attestationDigest(a));
    }

    function _accept(MarginAttestation memory a) private {
        _submit(a);
        assertStored(a.epoch);
    }

    function assertStored(uint64 expected) private view {
        (uint64 stored,,,,,) = oracle.latest();
        assertEq(uint256(stored), expected, "stored epoch");
    }

    function _refuse(MarginAttestation memory a, Signature[] memory s, bytes memory reason) private {
        vm.expectRevert(reason);
        oracle.submit(a, s);
    }

    function _refuseSigned(MarginAttestation memory a, bytes memory reason) private {
        _refuse(a, _signed(a), reason);
    }

    function _invalid(address recovered, uint256 position) private pure returns (bytes memory) {
        return abi.encodeWithSelector(QuorumLib.InvalidSigner.selector, recovered, position);
    }
}
