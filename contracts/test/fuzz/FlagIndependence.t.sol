// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginAttestation, MarginLeaf} from "../../src/types/Types.sol";
import {Merkle} from "../support/Merkle.sol";
import {Model} from "../support/Model.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice No margin signature and no silence can liquidate anybody: whatever all margin keys together sign, the same
/// accounts can be flagged by the same scenarios, with the same numbers.
contract FlagIndependenceTest is RandomBooks {
    error Outcome(bool flagged, bytes32 how);

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_R3_R4_flag_whateverMarginKeysSign_sameOutcomeForEveryScenario(uint256 seed) public {
        _randomBook(alice, seed, 8);
        // Bring the account near its requirement, so that both outcomes occur.
        uint256 keep = lens.health(alice.account, 0).standardInitial;
        int256 free = _equity(alice.account) - int256(keep);
        if (free > _cash(alice.account)) free = _cash(alice.account);
        if (free > 0) try this.takeOut(uint256(free)) {} catch {}
        _randomMarket(seed, 60);
        bytes32 silent = _outcomes();
        _stolenQuorumSigns(seed, 0, 0);
        assertEq(_outcomes(), silent, "leaves of zero margin");
        _stolenQuorumSigns(seed, type(uint128).max, type(uint128).max);
        assertEq(_outcomes(), silent, "leaves of endless margin");
        _stolenQuorumSigns(seed, uint128(seed), uint128(seed >> 128));
        assertEq(_outcomes(), silent, "random leaves");
        // Nor does silence: a month of blocks without an attestation, the discount stopped, the signers all replaced.
        vm.roll(block.number + 216_000);
        oracle.setStandby(_addresses(_sortedKeys("standby", 3)), 2);
        oracle.activateStandby();
        vm.prank(guardian);
        oracle.stopDiscount();
        assertEq(_outcomes(), silent, "R3: silence, stop and rotation");
        // Not even the oracle's disappearance matters.
        vm.etch(address(oracle), "");
        assertEq(_outcomes(), silent, "no oracle at all");
    }

    /// @dev The same for a bid: whoever buys needs no oracle either.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_bid_withoutTheOracle_samePurchase(uint256 seed) public {
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _advance(60, 46_500e8 + _word(seed, 0) % 5_500e8, ETH_SPOT);
        _flagAndWait(carol.account, FALL);
        vm.warp(block.timestamp + seed % 40 minutes);
        _deposit(liquidator.account, 100_000e6);
        uint256 snapshot = vm.snapshotState();
        uint256 sold = _bid(liquidator, carol.account, bound(seed, 1, 1e18));
        int256 paid = _equity(liquidator.account);
        assertTrue(vm.revertToState(snapshot), "revert");
        _stolenQuorumSigns(seed, 0, 0);
        vm.etch(address(oracle), "");
        assertEq(_bid(liquidator, carol.account, bound(seed, 1, 1e18)), sold, "share");
        assertEq(_equity(liquidator.account), paid, "price");
    }

    function takeOut(uint256 amount) external {
        _withdraw(alice, amount, _noClaim());
    }

    /// @dev All four keys sign a tree of arbitrary leaves, among them Alice's own.
    function _stolenQuorumSigns(uint256 seed, uint128 initial, uint128 maintenance) private {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](2);
        leaves[0] = _leaf(epoch, alice.account, initial, maintenance);
        leaves[0].worstScenario = uint8(seed);
        leaves[1] = MarginLeaf(epoch, bytes32(seed), bytes32(seed), uint128(seed), uint128(seed), uint8(seed));
        MarginAttestation memory a = _attestation(epoch, Merkle.root(_hashes(leaves)), 1 + seed % 1_000);
        a.bundleHash = keccak256(abi.encode(seed));
        _submit(a);
    }

    /// @dev One hash over what flag does with every scenario, its refusal's numbers included. Nothing is kept.
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
}
