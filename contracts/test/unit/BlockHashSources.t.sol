// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ArbSysSource} from "../../src/ArbSysSource.sol";
import {BlockhashSource} from "../../src/BlockhashSource.sol";
import {HistorySource} from "../../src/HistorySource.sol";
import {MarginOracle} from "../../src/MarginOracle.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {IBlockHashSource} from "../../src/interfaces/IBlockHashSource.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {MarginAttestation} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @dev Arbitrum's precompile: a block number of its own, and hashes of the last 256.
contract ArbSysMock {
    uint256 private _number;

    error InvalidBlockNumber();

    function roll(uint256 number) external {
        _number = number;
    }

    function arbBlockNumber() external view returns (uint256) {
        return _number;
    }

    function arbBlockHash(uint256 number) external view returns (bytes32) {
        if (number >= _number || number + 256 < _number) revert InvalidBlockNumber();
        return keccak256(abi.encode("arb", number));
    }
}

/// @notice R15: block numbers and hashes by deployment, and freshness counted from refBlock at every limit.
contract BlockHashSourcesTest is Fixture {
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    bytes private constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    address private constant ARB_SYS = address(100);

    uint64 private epoch;

    function setUp() public override {
        super.setUp();
        vm.etch(HISTORY, HISTORY_CODE);
    }

    /* BLOCKHASH */

    function test_R15_blockhash_256IsTheLastBlock() public {
        IBlockHashSource s = new BlockhashSource();
        uint256 old = block.number;
        vm.setBlockhash(old, keccak256("old"));
        assertEq(s.number(), old, "number");
        assertEq(s.hashOf(old), bytes32(0), "the present block has none");
        vm.roll(old + 256);
        assertEq(s.hashOf(old), keccak256("old"), "256");
        vm.roll(old + 257);
        assertEq(s.hashOf(old), bytes32(0), "257");
    }

    function test_R15_maxAgeOf256OnBlockhash_127_128_256_257() public {
        _deploy(address(blockHashes), 256);
        uint256[4] memory ages = [uint256(127), 128, 256, 257];
        _tryAges(ages, 256);
    }

    function test_R15_maxAgeOf128OnBlockhash_127_128_256_257() public {
        _deploy(address(blockHashes), 128);
        uint256[4] memory ages = [uint256(127), 128, 256, 257];
        _tryAges(ages, 128);
    }

    function test_R15_maxAgeBeyondTheSourcesReach_reverts() public {
        IAttestationConfig.Settings memory settings = _settings();
        settings.maxBlockAge = 257;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttestationConfig.InvalidEpochBlocks.selector, EPOCH_BLOCKS, uint64(257), uint64(256)
            )
        );
        this.createOracle(settings);
        settings.maxBlockAge = 256;
        this.createOracle(settings);
        settings.source = address(new HistorySource());
        settings.maxBlockAge = 8192;
        vm.expectPartialRevert(IAttestationConfig.InvalidEpochBlocks.selector);
        this.createOracle(settings);
        settings.maxBlockAge = 8191;
        this.createOracle(settings);
    }

    /* EIP-2935 */

    function test_R15_history_otherCodeAtTheAddress_reverts() public {
        this.createHistory();
        vm.etch(HISTORY, abi.encodePacked(HISTORY_CODE, hex"00"));
        vm.expectPartialRevert(HistorySource.NotTheHistoryContract.selector);
        this.createHistory();
        vm.etch(HISTORY, "");
        vm.expectPartialRevert(HistorySource.NotTheHistoryContract.selector);
        this.createHistory();
    }

    function test_R15_history_257_8191AreKnown8192IsNot() public {
        IBlockHashSource s = new HistorySource();
        uint256 old = block.number;
        _remember(old, keccak256("old"));
        assertEq(s.hashOf(old + 1), bytes32(0), "the present block has none");
        assertEq(s.hashOf(old + 2), bytes32(0), "nor a later one");
        vm.roll(old + 257);
        assertEq(s.hashOf(old), keccak256("old"), "257");
        vm.roll(old + 8191);
        assertEq(s.hashOf(old), keccak256("old"), "8191");
        vm.roll(old + 8192);
        assertEq(s.hashOf(old), bytes32(0), "8192");
    }

    function test_R15_maxAgeOf8191OnHistory_256_257_8191_8192() public {
        _deploy(address(new HistorySource()), 8191);
        _remember(uint256(epoch) * EPOCH_BLOCKS, blockhash(uint256(epoch) * EPOCH_BLOCKS));
        uint256[4] memory ages = [uint256(256), 257, 8191, 8192];
        _tryAges(ages, 8191);
    }

    /* ARBSYS */

    function test_R15_arbSys_numbersAndHashesOfTheChainItself() public {
        vm.expectPartialRevert(ArbSysSource.NotArbSys.selector);
        this.createArbSys();
        vm.etch(ARB_SYS, type(ArbSysMock).runtimeCode);
        vm.expectPartialRevert(ArbSysSource.NotArbSys.selector);
        this.createArbSys();
        ArbSysMock(ARB_SYS).roll(1_000_000);
        IBlockHashSource s = new ArbSysSource();
        assertEq(s.number(), 1_000_000, "not the parent chain's number");
        assertEq(s.hashOf(1_000_000), bytes32(0), "present");
        assertEq(s.hashOf(999_999), keccak256(abi.encode("arb", 999_999)), "1");
        assertEq(s.hashOf(999_744), keccak256(abi.encode("arb", 999_744)), "256");
        assertEq(s.hashOf(999_743), bytes32(0), "257");
    }

    function test_R15_arbSys_attestsAndAgesInItsOwnBlocks() public {
        vm.etch(ARB_SYS, type(ArbSysMock).runtimeCode);
        uint64 first = 31_250;
        ArbSysMock(ARB_SYS).roll(uint256(first) * EPOCH_BLOCKS + 1);
        IAttestationConfig.Settings memory settings = _settings();
        (settings.source, settings.maxBlockAge) = (address(new ArbSysSource()), 256);
        oracle = new MarginOracle(settings);
        assertEq(uint256(oracle.currentEpoch()), first, "epoch of its own blocks");
        MarginAttestation memory a = _attestation(first, keccak256("root"), 3);
        a.refBlockHash = keccak256(abi.encode("arb", uint256(first) * EPOCH_BLOCKS));
        // The parent chain's blocks pass without effect.
        vm.roll(block.number + 10_000);
        ArbSysMock(ARB_SYS).roll(uint256(first) * EPOCH_BLOCKS + 257);
        vm.expectPartialRevert(IMarginOracle.RefBlockTooOld.selector);
        this.submit(a);
        ArbSysMock(ARB_SYS).roll(uint256(first) * EPOCH_BLOCKS + 256);
        this.submit(a);
    }

    /* LIFE OF A LEAF */

    /// @dev 30: held back for long where the chain allows it, an attestation is stored, but its leaves are too old to count.
    function test_30_heldBackAttestation_isStoredAndItsLeavesAreTooOld() public {
        _deploy(address(new HistorySource()), 8191);
        _remember(uint256(epoch) * EPOCH_BLOCKS, blockhash(uint256(epoch) * EPOCH_BLOCKS));
        MarginAttestation memory a = _attestation(epoch, keccak256("root"), 3);
        vm.roll(uint256(a.refBlock) + 1_000);
        this.submit(a);
        (, uint64 refBlock, uint64 refTime,,,) = oracle.latest();
        assertEq(uint256(refBlock), a.refBlock, "age counts from refBlock");
        assertEq(uint256(refTime), a.refTime, "31: refTime as signed");
    }

    /* HELPERS */

    function submit(MarginAttestation memory a) external {
        _submit(a);
    }

    function _deploy(address source, uint64 maxAge) private {
        IAttestationConfig.Settings memory settings = _settings();
        (settings.source, settings.maxBlockAge) = (source, maxAge);
        oracle = new MarginOracle(settings);
        epoch = _newEpoch();
    }

    /// @dev The system call at the start of the block after `number`.
    function _remember(uint256 number, bytes32 hash) private {
        uint256 present = block.number;
        vm.roll(number + 1);
        vm.prank(SYSTEM);
        (bool ok,) = HISTORY.call(abi.encode(hash));
        assertTrue(ok, "system call");
        if (present > number + 1) vm.roll(present);
    }

    function _tryAges(uint256[4] memory ages, uint256 most) private {
        MarginAttestation memory a = _attestation(epoch, keccak256("root"), 3);
        for (uint256 i; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.roll(uint256(a.refBlock) + ages[i]);
            if (ages[i] > most) {
                vm.expectRevert(
                    abi.encodeWithSelector(IMarginOracle.RefBlockTooOld.selector, a.refBlock, block.number, most)
                );
            }
            this.submit(a);
            assertTrue(vm.revertToState(snapshot), "revert");
        }
    }

    /// @dev One call down: `new` is a cheatcode here, and a refusal expected of it in the test's own frame would end the test there.
    function createOracle(IAttestationConfig.Settings memory settings) external {
        new MarginOracle(settings);
    }

    function createHistory() external {
        new HistorySource();
    }

    function createArbSys() external {
        new ArbSysSource();
    }
}
