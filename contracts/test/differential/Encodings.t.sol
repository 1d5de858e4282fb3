// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearinghouse} from "../../src/Clearinghouse.sol";
import {MarginOracle} from "../../src/MarginOracle.sol";
import {MarketFeeds} from "../../src/MarketFeeds.sol";
import {RiskEngine} from "../../src/RiskEngine.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {ExpiryQuote, Leg, MarginAttestation, MarginLeaf, Order, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Merkle} from "../support/Merkle.sol";
import {Model} from "../support/Model.sol";
import {PricingHarness} from "../support/PricingHarness.sol";

/// @notice Every id, hash, digest, root and proof of tests/vectors, exactly. The vectors' contracts stand at one address,
/// so the deployed code is put there; EIP-712 domains follow the address and chain at run time.
contract EncodingsDifferentialTest is Fixture {
    string private constant FOLDER = "../tests/vectors/";

    /* IDS */

    function test_instruments_vectors_packUnpackAndAreCanonical() public {
        PricingHarness harness = new PricingHarness();
        string memory json = _read("instruments");
        uint256[] memory underlying = vm.parseJsonUintArray(json, ".underlying");
        uint256[] memory expiry = vm.parseJsonUintArray(json, ".expiry");
        uint256[] memory kind = vm.parseJsonUintArray(json, ".kind");
        uint256[] memory strike = vm.parseJsonUintArray(json, ".strike_e8");
        uint256[] memory ids = vm.parseJsonUintArray(json, ".id");
        assertTrue(ids.length >= 8, "vectors");
        for (uint256 i; i < ids.length; ++i) {
            uint128 id = harness.pack(uint16(underlying[i]), uint40(expiry[i]), uint8(kind[i]), uint64(strike[i]));
            assertEq(uint256(id), ids[i], "packed");
            (uint16 u, uint40 e, uint8 k, uint64 s) = harness.unpack(id);
            assertTrue(u == underlying[i] && e == expiry[i] && k == kind[i] && s == strike[i], "unpacked");
            assertTrue(harness.isCanonical(id), "canonical");
        }
        uint256[] memory refused = vm.parseJsonUintArray(json, ".refused");
        assertTrue(refused.length >= 10, "refused vectors");
        for (uint256 i; i < refused.length; ++i) {
            assertFalse(harness.isCanonical(uint128(refused[i])), vm.toString(refused[i]));
        }
    }

    function test_accounts_vectors_idAndPositionsHash() public view {
        string memory json = _read("accounts");
        address[] memory owner = vm.parseJsonAddressArray(json, ".owner");
        uint256[] memory sub = vm.parseJsonUintArray(json, ".sub_account");
        bytes32[] memory id = vm.parseJsonBytes32Array(json, ".account");
        for (uint256 i; i < id.length; ++i) {
            assertEq(_account(owner[i], uint96(sub[i])), id[i], "account id");
            assertEq(address(bytes20(id[i])), owner[i], "its owner, as the contracts read it");
        }
        uint256[] memory mode = vm.parseJsonUintArray(json, ".book_mode");
        uint256[] memory start = vm.parseJsonUintArray(json, ".book_start");
        uint256[] memory count = vm.parseJsonUintArray(json, ".book_legs");
        bytes32[] memory expected = vm.parseJsonBytes32Array(json, ".book_positions_hash");
        uint256[] memory instrument = vm.parseJsonUintArray(json, ".leg_instrument");
        int256[] memory lots = vm.parseJsonIntArray(json, ".leg_lots");
        assertTrue(expected.length >= 5, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            Leg[] memory legs = new Leg[](count[i]);
            for (uint256 j; j < count[i]; ++j) {
                legs[j] = Leg(uint128(instrument[start[i] + j]), int64(lots[start[i] + j]));
            }
            _sort(legs);
            assertEq(oracle.positionsHash(uint8(mode[i]), legs), expected[i], "positionsHash");
        }
    }

    /// @dev The vectors name a book's legs in any order; its hash is of the ascending one, in which the contracts keep it.
    function _sort(Leg[] memory legs) private pure {
        for (uint256 i = 1; i < legs.length; ++i) {
            for (uint256 j = i; j != 0 && legs[j - 1].instrument > legs[j].instrument; --j) {
                (legs[j - 1], legs[j]) = (legs[j], legs[j - 1]);
            }
        }
    }

    /* LEAVES */

    function test_merkle_vectors_leavesRootsAndProofs() public {
        string memory json = _read("merkle");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".leafHash");
        MarginLeaf[] memory leaves = _leaves(json, hashes.length);
        for (uint256 i; i < hashes.length; ++i) {
            assertEq(oracle.leafHash(leaves[i]), hashes[i], "leaf");
        }
        uint256[] memory sizes = vm.parseJsonUintArray(json, ".sizes");
        for (uint256 s; s < sizes.length; ++s) {
            string memory size = vm.toString(sizes[s]);
            bytes32 root = vm.parseJsonBytes32(json, string.concat(".root", size));
            bytes32[] memory part = new bytes32[](sizes[s]);
            for (uint256 i; i < sizes[s]; ++i) {
                part[i] = hashes[i];
            }
            assertEq(Merkle.root(part), root, "root");
            _attestVectorRoot(root, uint64(leaves[0].epoch), sizes[s]);
            for (uint256 i; i < sizes[s]; ++i) {
                string memory where = string.concat(".proofs", size, "[", vm.toString(i), "]");
                bytes32[] memory proof = sizes[s] == 1 ? new bytes32[](0) : vm.parseJsonBytes32Array(json, where);
                assertEq(keccak256(abi.encode(Merkle.proof(part, part[i]))), keccak256(abi.encode(proof)), "proof");
                oracle.verifyLeaf(leaves[i], proof);
            }
        }
    }

    function _leaves(string memory json, uint256 n) private pure returns (MarginLeaf[] memory leaves) {
        leaves = new MarginLeaf[](n);
        uint256[] memory epoch = vm.parseJsonUintArray(json, ".epoch");
        bytes32[] memory account = vm.parseJsonBytes32Array(json, ".account");
        bytes32[] memory positions = vm.parseJsonBytes32Array(json, ".positionsHash");
        uint256[] memory initial = vm.parseJsonUintArray(json, ".initialMargin");
        uint256[] memory maintenance = vm.parseJsonUintArray(json, ".maintenanceMargin");
        uint256[] memory worst = vm.parseJsonUintArray(json, ".worstScenario");
        for (uint256 i; i < n; ++i) {
            leaves[i] = MarginLeaf(
                uint64(epoch[i]),
                account[i],
                positions[i],
                uint128(initial[i]),
                uint128(maintenance[i]),
                uint8(worst[i])
            );
        }
    }

    /// @dev A fresh oracle for each root, because an epoch can be attested once.
    function _attestVectorRoot(bytes32 root, uint64 epoch, uint256 count) private {
        oracle = new MarginOracle(_settings());
        vm.roll(uint256(epoch) * EPOCH_BLOCKS + 1);
        _submit(_attestation(epoch, root, count));
    }

    /* SIGNED MESSAGES */

    function test_attestation_vectors_digests() public {
        string memory json = _read("attestation");
        MarginOracle there = MarginOracle(_place(json, address(oracle).code));
        bytes32[] memory expected = vm.parseJsonBytes32Array(json, ".digest");
        assertTrue(expected.length >= 4, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            assertEq(there.attestationDigest(_vectorAttestation(json, i)), expected[i], "digest");
        }
    }

    function test_attestation_vectors_signaturesRecover() public view {
        string memory json = _read("attestation");
        bytes32[] memory digests = vm.parseJsonBytes32Array(json, ".digest");
        address[] memory signers = vm.parseJsonAddressArray(json, ".signers");
        for (uint256 i; i < digests.length; ++i) {
            string memory index = string.concat("[", vm.toString(i), "]");
            bytes32[] memory r = vm.parseJsonBytes32Array(json, string.concat(".r", index));
            bytes32[] memory vs = vm.parseJsonBytes32Array(json, string.concat(".vs", index));
            for (uint256 j; j < signers.length; ++j) {
                uint8 v = uint8(uint256(vs[j]) >> 255) + 27;
                bytes32 s = bytes32(uint256(vs[j]) & (2 ** 255 - 1));
                assertEq(ecrecover(digests[i], v, r[j], s), signers[j], "signer");
            }
        }
    }

    function test_attestation_vectors_configDigests() public {
        string memory json = _read("attestation");
        uint256[] memory counts = vm.parseJsonUintArray(json, ".configCount");
        uint256[] memory thresholds = vm.parseJsonUintArray(json, ".configThreshold");
        bytes32[] memory expected = vm.parseJsonBytes32Array(json, ".configDigests");
        address where = vm.parseJsonAddress(json, ".verifyingContract");
        uint256 deployed;
        for (uint256 i; i < counts.length; ++i) {
            address[] memory members =
                vm.parseJsonAddressArray(json, string.concat(".configSigners[", vm.toString(i), "]"));
            bytes32 formula =
                keccak256(abi.encode(block.chainid, where, uint64(counts[i]), members, uint8(thresholds[i])));
            assertEq(formula, expected[i], "formula");
            // Its first configuration is the constructor's.
            if (counts[i] != 1) continue;
            uint256 snapshot = vm.snapshotState();
            _deployAt(where, address(engine), members, uint8(thresholds[i]));
            assertEq(MarginOracle(where).configOf(1), expected[i], "contract");
            assertTrue(vm.revertToState(snapshot), "each on its own");
            ++deployed;
        }
        assertTrue(deployed != 0, "at least one by the contract itself");
    }

    /// @dev An attestation that Python built and Python keys signed is accepted by the contract as it stands.
    function test_attestation_signedByPython_isAccepted() public {
        string memory json = _read("attestation");
        MarginAttestation memory a = _vectorAttestation(json, 1);
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        engine = new RiskEngine(address(feeds), a.modelHash, Model.factors(), ids, risks, Model.scenarios());
        address where = vm.parseJsonAddress(json, ".verifyingContract");
        _deployAt(where, address(engine), vm.parseJsonAddressArray(json, ".configSigners[1]"), 2);
        vm.roll(uint256(a.refBlock) + 1);
        vm.warp(a.refTime);
        vm.setBlockhash(a.refBlock, a.refBlockHash);
        bytes32[] memory r = vm.parseJsonBytes32Array(json, ".r[1]");
        bytes32[] memory vs = vm.parseJsonBytes32Array(json, ".vs[1]");
        Signature[] memory signatures = new Signature[](2);
        (signatures[0], signatures[1]) = (Signature(r[0], vs[0]), Signature(r[1], vs[1]));
        MarginOracle(where).submit(a, signatures);
        (uint64 epoch,,,, bytes32 root,) = MarginOracle(where).latest();
        assertEq(uint256(epoch), a.epoch, "epoch");
        assertEq(root, a.marginRoot, "root");
    }

    function test_order_vectors_digests() public {
        string memory json = _read("order");
        Clearinghouse there = Clearinghouse(_place(json, address(clearinghouse).code));
        bytes32[] memory expected = vm.parseJsonBytes32Array(json, ".digest");
        assertTrue(expected.length >= 4, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            Order memory order = Order({
                account: vm.parseJsonBytes32Array(json, ".account")[i],
                instrument: uint128(vm.parseJsonUintArray(json, ".instrument")[i]),
                lots: int64(vm.parseJsonIntArray(json, ".lots")[i]),
                limitPrice: uint64(vm.parseJsonUintArray(json, ".limitPrice")[i]),
                salt: uint64(vm.parseJsonUintArray(json, ".salt")[i]),
                deadline: uint64(vm.parseJsonUintArray(json, ".deadline")[i]),
                executor: vm.parseJsonAddressArray(json, ".executor")[i]
            });
            assertEq(there.orderDigest(order), expected[i], "digest");
        }
    }

    function test_surfaceUpdate_vectors_digests() public {
        string memory json = _read("surface_update");
        MarketFeeds there = MarketFeeds(_place(json, address(feeds).code));
        uint256[] memory underlying = vm.parseJsonUintArray(json, ".underlying");
        uint256[] memory time = vm.parseJsonUintArray(json, ".time");
        bytes32[] memory expected = vm.parseJsonBytes32Array(json, ".digest");
        assertTrue(expected.length >= 3, "vectors");
        for (uint256 i; i < expected.length; ++i) {
            ExpiryQuote[] memory quotes = _vectorQuotes(json, i);
            assertEq(there.updateDigest(uint16(underlying[i]), uint64(time[i]), quotes), expected[i], "digest");
        }
    }

    function _vectorQuotes(string memory json, uint256 i) private pure returns (ExpiryQuote[] memory quotes) {
        string memory index = string.concat("[", vm.toString(i), "]");
        uint256[] memory expiry = vm.parseJsonUintArray(json, string.concat(".expiry", index));
        quotes = new ExpiryQuote[](expiry.length);
        for (uint256 j; j < expiry.length; ++j) {
            quotes[j] = ExpiryQuote({
                expiry: uint40(expiry[j]),
                ratio: uint64(vm.parseJsonUintArray(json, string.concat(".ratio", index))[j]),
                confidence: uint64(vm.parseJsonUintArray(json, string.concat(".confidence", index))[j]),
                a: int64(vm.parseJsonIntArray(json, string.concat(".a", index))[j]),
                b: int64(vm.parseJsonIntArray(json, string.concat(".b", index))[j]),
                rho: int64(vm.parseJsonIntArray(json, string.concat(".rho", index))[j]),
                m: int64(vm.parseJsonIntArray(json, string.concat(".m", index))[j]),
                sigma: int64(vm.parseJsonIntArray(json, string.concat(".sigma", index))[j])
            });
        }
    }

    function _vectorAttestation(string memory json, uint256 i) private pure returns (MarginAttestation memory) {
        return MarginAttestation({
            configDigest: vm.parseJsonBytes32Array(json, ".configDigest")[i],
            epoch: uint64(vm.parseJsonUintArray(json, ".epoch")[i]),
            refBlock: uint64(vm.parseJsonUintArray(json, ".refBlock")[i]),
            refTime: uint64(vm.parseJsonUintArray(json, ".refTime")[i]),
            leafCount: uint32(vm.parseJsonUintArray(json, ".leafCount")[i]),
            refBlockHash: vm.parseJsonBytes32Array(json, ".refBlockHash")[i],
            modelHash: vm.parseJsonBytes32Array(json, ".modelHash")[i],
            marginRoot: vm.parseJsonBytes32Array(json, ".marginRoot")[i],
            bundleHash: vm.parseJsonBytes32Array(json, ".bundleHash")[i]
        });
    }

    /* MODEL */

    function test_model_vectors_areWhatTheFixtureDeploys() public view {
        string memory json = _read("model");
        string memory canonical = vm.parseJsonString(json, ".canonical_json");
        assertEq(keccak256(bytes(canonical)), vm.parseJsonBytes32(json, ".model_hash"), "model hash");
        IRiskEngine.Factors memory f = engine.factors();
        assertEq(uint256(f.maintenanceBps), _factor(json, "maintenance_bps"), "maintenance");
        assertEq(uint256(f.initialBps), _factor(json, "initial_bps"), "initial");
        assertEq(uint256(f.gridBps), _factor(json, "grid_bps"), "grid");
        assertEq(uint256(f.minimumChargeBps), _factor(json, "minimum_charge_bps"), "minimum charge");
        assertEq(uint256(f.minimumChargeStandardBps), _factor(json, "minimum_charge_standard_bps"), "its cap");
        assertEq(uint256(f.shortOptionMinimumBps), _factor(json, "short_option_minimum_bps"), "short option");
        assertEq(uint256(f.floorGrossBps), _factor(json, "floor_gross_bps"), "floor");
        _assertUnderlyings(json);
        _assertScenarios(json);
    }

    function _factor(string memory json, string memory name) private pure returns (uint256) {
        return vm.parseJsonUint(json, string.concat(".factor_", name));
    }

    function _assertUnderlyings(string memory json) private view {
        uint256[] memory ids = vm.parseJsonUintArray(json, ".underlying_underlying");
        assertEq(ids.length, 2, "underlyings");
        for (uint256 i; i < ids.length; ++i) {
            IRiskEngine.UnderlyingRisk memory r = engine.underlyingRisk(uint16(ids[i]));
            assertEq(uint256(r.lot), vm.parseJsonUintArray(json, ".underlying_lot")[i], "lot");
            assertEq(uint256(r.scanRange), vm.parseJsonUintArray(json, ".underlying_scan_range")[i], "scan range");
            assertEq(uint256(r.volUp), vm.parseJsonUintArray(json, ".underlying_vol_up")[i], "vol up");
            assertEq(uint256(r.volDown), vm.parseJsonUintArray(json, ".underlying_vol_down")[i], "vol down");
            assertEq(uint256(r.linearRate), vm.parseJsonUintArray(json, ".underlying_linear_rate")[i], "linear");
            assertEq(uint256(r.optionRate), vm.parseJsonUintArray(json, ".underlying_option_rate")[i], "option");
            assertEq(uint256(r.optionFloor), vm.parseJsonUintArray(json, ".underlying_option_floor")[i], "floor");
        }
    }

    function _assertScenarios(string memory json) private view {
        uint256 count = vm.parseJsonIntArray(json, ".scenario_spot_bps").length;
        assertEq(count, engine.scenarioCount(), "scenarios");
        for (uint256 i; i < count; ++i) {
            IRiskEngine.Scenario memory s = engine.scenario(i);
            assertEq(int256(s.spotBps), _cell(json, "spot_bps", i), "spot");
            assertEq(int256(s.othersSpotBps), _cell(json, "others_spot_bps", i), "others' spot");
            assertEq(int256(s.volBps), _cell(json, "vol_bps", i), "vol");
            assertEq(int256(s.othersVolBps), _cell(json, "others_vol_bps", i), "others' vol");
            assertEq(int256(s.flatBps), _cell(json, "flat_bps", i), "flat");
            assertEq(int256(s.frontBps), _cell(json, "front_bps", i), "front");
            assertEq(int256(s.twistBps), _cell(json, "twist_bps", i), "twist");
            assertEq(int256(s.skewBps), _cell(json, "skew_bps", i), "skew");
            assertEq(int256(s.curvatureBps), _cell(json, "curvature_bps", i), "curvature");
            assertEq(int256(uint256(s.weightBps)), _cell(json, "weight_bps", i), "weight");
            assertEq(int256(uint256(s.clockSeconds)), _cell(json, "clock_seconds", i), "clock");
            assertEq(int256(uint256(s.focus)), _cell(json, "focus", i), "focus");
            assertEq(s.rolls, vm.parseJsonBool(json, string.concat(".scenario_rolls[", vm.toString(i), "]")), "rolls");
            bool inFloor = vm.parseJsonBool(json, string.concat(".scenario_floor[", vm.toString(i), "]"));
            assertEq(s.inFloor, inFloor, "in floor");
            assertEq(engine.floorMask() >> i & 1 == 1, inFloor, "floor mask");
        }
    }

    function _cell(string memory json, string memory column, uint256 i) private pure returns (int256) {
        return vm.parseJsonInt(json, string.concat(".scenario_", column, "[", vm.toString(i), "]"));
    }

    /* HELPERS */

    function _read(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat(FOLDER, name, ".json"));
    }

    /// @dev Puts deployed code where the vectors' contract stands.
    function _place(string memory json, bytes memory code) private returns (address where) {
        assertEq(block.chainid, vm.parseJsonUint(json, ".chainId"), "the vectors' chain");
        where = vm.parseJsonAddress(json, ".verifyingContract");
        vm.etch(where, code);
    }

    /// @dev Runs the constructor at a chosen address, so that what it hashes is of that address.
    function _deployAt(address where, address engine_, address[] memory members, uint8 threshold) private {
        IAttestationConfig.Settings memory settings = _settings();
        (settings.engine, settings.signers, settings.threshold) = (engine_, members, threshold);
        bytes memory arguments = abi.encode(settings);
        vm.etch(where, abi.encodePacked(vm.getCode("MarginOracle.sol:MarginOracle"), arguments));
        (bool ok, bytes memory runtime) = where.call("");
        assertTrue(ok, "constructor");
        vm.etch(where, runtime);
    }
}
