// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StoredQuote} from "../../src/types/Types.sol";
import {Assertions} from "../support/Assertions.sol";
import {PricingHarness} from "../support/PricingHarness.sol";

/// @notice Marks and smiles against tests/vectors, which pytest holds the keeper to. The stated tolerances are measured
/// maxima rounded up; a run with -vv prints the present ones.
contract PricingDifferentialTest is Assertions {
    /// @dev Of the larger of forward and strike, in 1e-18.
    uint256 private constant PRICE_TOLERANCE = 200;
    /// @dev Of variance, in 1e-18 a year.
    uint256 private constant VARIANCE_TOLERANCE = 4;

    PricingHarness private harness;

    function setUp() public {
        harness = new PricingHarness();
    }

    function test_price_vectors_withinTwoPartsIn1e16OfTheForward() public view {
        string memory json = vm.readFile("../tests/vectors/pricing.json");
        uint256[] memory forward = vm.parseJsonUintArray(json, ".forward_wad");
        uint256[] memory strike = vm.parseJsonUintArray(json, ".strike_wad");
        uint256[] memory variance = vm.parseJsonUintArray(json, ".variance_per_year_wad");
        uint256[] memory secondsLeft = vm.parseJsonUintArray(json, ".seconds");
        uint256[] memory expected = vm.parseJsonUintArray(json, ".price_wad");
        assertTrue(expected.length >= 50, "vectors");
        uint256 worst;
        for (uint256 i; i < expected.length; ++i) {
            bool isCall = vm.parseJsonBool(json, string.concat(".is_call[", vm.toString(i), "]"));
            uint256 given = harness.price(forward[i], strike[i], variance[i], secondsLeft[i], isCall);
            uint256 off = given > expected[i] ? given - expected[i] : expected[i] - given;
            uint256 scale = forward[i] > strike[i] ? forward[i] : strike[i];
            uint256 relative = off * 1e18 / scale;
            if (relative > worst) worst = relative;
            assertLe(relative, PRICE_TOLERANCE, vm.toString(i));
        }
        log("largest error of a price, 1e-18 of max(F, K)", worst);
    }

    function test_variance_vectors_withinTolerance() public view {
        string memory json = vm.readFile("../tests/vectors/smile.json");
        int256[] memory k = vm.parseJsonIntArray(json, ".k_wad");
        int256[] memory expected = vm.parseJsonIntArray(json, ".variance_wad");
        assertTrue(expected.length >= 40, "vectors");
        uint256 worst;
        for (uint256 i; i < expected.length; ++i) {
            StoredQuote memory q;
            string memory index = string.concat("[", vm.toString(i), "]");
            // Members are int64 in the contract; a vector beyond them says nothing about it.
            int256 a = vm.parseJsonInt(json, string.concat(".a", index));
            int256 b = vm.parseJsonInt(json, string.concat(".b", index));
            q.a = int64(a);
            q.b = int64(b);
            assertEq(int256(q.a), a, "a fits");
            assertEq(int256(q.b), b, "b fits");
            q.rho = int64(vm.parseJsonInt(json, string.concat(".rho", index)));
            q.m = int64(vm.parseJsonInt(json, string.concat(".m", index)));
            q.sigma = int64(vm.parseJsonInt(json, string.concat(".sigma", index)));
            int256 given = harness.variance(q, k[i]);
            uint256 off = uint256(given > expected[i] ? given - expected[i] : expected[i] - given);
            // Relative to one at large variances, where float64 itself has fewer digits.
            if (expected[i] > 1e18) off = off * 1e18 / uint256(expected[i]);
            if (off > worst) worst = off;
            assertLe(off, VARIANCE_TOLERANCE, vm.toString(i));
        }
        log("largest error of a variance, 1e-18 of max(1, variance)", worst);
    }

    /// @dev Bounds and parity where no vector reaches.
    function testFuzz_price_bounds_hold(uint256 forward, uint256 strike, uint256 variance, uint256 secs) public view {
        forward = bound(forward, 1e10, 1e30);
        strike = bound(strike, forward / 1e6 + 1, forward * 1e6);
        variance = bound(variance, 1e14, 25e18);
        secs = bound(secs, 0, 10 * 365 days);
        uint256 call = harness.price(forward, strike, variance, secs, true);
        uint256 put = harness.price(forward, strike, variance, secs, false);
        assertLe(call, forward, "call <= F");
        assertLe(put, strike, "put <= K");
        assertLe(forward > strike ? forward - strike : 0, call, "call >= intrinsic");
        assertLe(strike > forward ? strike - forward : 0, put, "put >= intrinsic");
        uint256 scale = (forward > strike ? forward : strike) / 1e14 + 2;
        assertClose(int256(call) - int256(put), int256(forward) - int256(strike), scale, "parity");
    }

    /// @dev At every corner of the bands of MarketFeeds, for every forward and strike that can be, the price is one.
    function testFuzz_price_atTheCornersOfTheBands_isFinite(uint256 seed, uint256 forward, uint256 strike, uint256 secs)
        public
        view
    {
        forward = bound(forward, 1, 2 ** (1 + seed % 61)) * 1e10;
        strike = bound(strike, 1, 2 ** (1 + (seed >> 8) % 64) - 1) * 1e10;
        secs = bound(secs, 1, 10 * 365 days);
        int256 k = harness.logMoneyness(forward, strike);
        for (uint256 corner; corner < 32; ++corner) {
            StoredQuote memory q;
            q.a = corner & 1 == 0 ? int64(-9e18) : int64(9e18);
            q.b = corner & 2 == 0 ? int64(0) : int64(9e18);
            q.rho = corner & 4 == 0 ? int64(-1e18 + 1) : int64(1e18 - 1);
            q.m = corner & 8 == 0 ? int64(-2e18) : int64(2e18);
            q.sigma = corner & 16 == 0 ? int64(1e15) : int64(5e18);
            int256 yearly = harness.variance(q, k);
            assertTrue(yearly >= 1e14 && yearly <= 25e18, "within 1 % and 500 %");
            assertLe(harness.price(forward, strike, uint256(yearly), secs, true), forward, "call <= F");
            assertLe(harness.price(forward, strike, uint256(yearly), secs, false), strike, "put <= K");
        }
    }

    function testFuzz_cdf_isMonotoneAndSymmetric(int256 x, uint256 step) public view {
        x = int256(bound(uint256(x < 0 ? -(x + 1) : x), 0, 18e18)) - 9e18;
        int256 next = x + int256(bound(step, 0, 1e18));
        // West's approximation is good to 1e-15, so it may turn back by that much.
        assertLe(harness.cdf(x), harness.cdf(next) + 1_000, "monotone");
        assertClose(harness.cdf(x) + harness.cdf(-x), 1e18, 1, "symmetric");
        assertTrue(harness.cdf(x) >= 0 && harness.cdf(x) <= 1e18, "a probability");
    }
}
