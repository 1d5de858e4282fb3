// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg, MarginAttestation, MarginClaim, Order, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Gas of what has to fit into a transaction, from cold storage, intrinsic cost of the transaction that carries the call
/// included, refunds left out. Held to snapshots/gas.json; `make gas` writes that file anew.
abstract contract GasFixture is Fixture {
    uint256 internal constant TRANSACTION_LIMIT = 16_777_216;
    /// @dev Percent by which a figure may leave the committed one.
    uint256 private constant TOLERANCE = 2;

    /// @dev Alice is short a strangle of twenty options on two underlyings, at the grid.
    function _twentyOptions() internal {
        _deposit(alice.account, 10_000_000e6);
        _deposit(dealer.account, 100_000_000e6);
        for (uint16 u = BTC; u <= ETH; ++u) {
            for (uint256 i; i < 5; ++i) {
                uint128 call = _call(u, u == BTC ? NEAR : FAR, _strike(u, i));
                uint128 put = _put(u, FAR, _strike(u, i));
                if (i % 2 == 0) {
                    _tradeAtMark(dealer, alice, call, 900);
                    _tradeAtMark(dealer, alice, put, 800);
                } else {
                    _tradeAtMark(alice, dealer, call, 700);
                    _tradeAtMark(alice, dealer, put, 600);
                }
            }
        }
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
    }

    function _crash() internal {
        _advance(60, 45_000e8, 2_250e8);
    }

    /// @dev Calls and logs; the first call of a test finds every slot cold, because setUp was another transaction.
    function _measure(string memory name, address sender, address target, bytes memory data) internal {
        if (sender != address(0)) vm.prank(sender);
        uint256 before = gasleft();
        (bool ok, bytes memory reason) = target.call(data);
        uint256 used = before - gasleft();
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        used += _intrinsic(data);
        log(name, used);
        assertLt(used, TRANSACTION_LIMIT, name);
        vm.snapshotValue("gas", name, used);
        if (!vm.envOr("FORGE_SNAPSHOT_EMIT", false)) _compare(name, used);
    }

    /// @dev Either way: an improvement that is not written down could be lost again unseen.
    function _compare(string memory name, uint256 used) private view {
        string memory json = vm.readFile("snapshots/gas.json");
        uint256 committed = vm.parseJsonUint(json, string.concat("['", name, "']"));
        vm.assertApproxEqAbs(used, committed, committed * TOLERANCE / 100, string.concat(name, ": if meant, make gas"));
    }

    function _intrinsic(bytes memory data) private pure returns (uint256 gas) {
        gas = 21_000;
        for (uint256 i; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }
}

contract GasOfLiquidationTest is GasFixture {
    uint8 private worst;

    function setUp() public override {
        super.setUp();
        _twentyOptions();
        _crash();
        worst = _health(alice.account).worstScenario;
        _deposit(liquidator.account, 10_000_000e6);
    }

    function test_gas_flag_twentyOptions() public {
        bytes memory data = abi.encodeCall(auction.flag, (alice.account, worst));
        _measure("flag, 20 options", flagger.owner, address(auction), data);
    }
}

contract GasOfBidTest is GasFixture {
    function setUp() public override {
        super.setUp();
        _twentyOptions();
        _crash();
        _deposit(liquidator.account, 10_000_000e6);
        _flagAndWait(alice.account, _health(alice.account).worstScenario);
        vm.warp(block.timestamp + 31 minutes);
    }

    function test_gas_bid_wholeBookOfTwentyLegs() public {
        _measure("bid, all of 20 legs", liquidator.owner, address(auction), _bidData(1e18));
    }

    function test_gas_bid_aFifthOfTwentyLegs() public {
        _measure("bid, a fifth of 20 legs", liquidator.owner, address(auction), _bidData(0.2e18));
    }

    /// @dev The grid has run; its worst scenario is enough from now on.
    function test_gas_bid_secondOfTwentyLegs() public {
        _bid(liquidator, alice.account, 0.2e18);
        Actor memory second = liquidator;
        second.account = _account(liquidator.owner, 8);
        _deposit(second.account, 10_000_000e6);
        bytes memory data = abi.encodeCall(
            auction.bid, (alice.account, second.account, 0.2e18, type(int256).min, uint64(block.timestamp))
        );
        _measure("bid, second, 20 legs (storage warm)", second.owner, address(auction), data);
    }

    function _bidData(uint256 fraction) private view returns (bytes memory) {
        return abi.encodeCall(
            auction.bid, (alice.account, liquidator.account, fraction, type(int256).min, uint64(block.timestamp))
        );
    }
}

/// @notice The dearest calls of all: 32 options on each side, no leaf.
contract GasOfFullBooksTest is GasFixture {
    uint256 private constant SLACK = 100e6;

    /// @dev Encoded: a claim cannot be copied into storage.
    bytes private claim;

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 1_000_000_000e6);
        _fill(alice);
        _fill(bob);
        claim = abi.encode(_attestedClaim(alice.account, uint128(_health(alice.account).gridInitial), 1e6));
    }

    /// @dev 32 options of both underlyings and expiries, long and short, down to what the grid asks.
    function _fill(Actor memory who) private {
        _deposit(who.account, 10_000_000e6);
        uint128[] memory all = _allInstruments();
        uint256 used;
        for (uint256 i; used < 32; ++i) {
            if (uint8(all[i] >> 64) < CALL) continue;
            if (used++ % 2 == 0) _tradeAtMark(dealer, who, all[i], 500);
            else _tradeAtMark(who, dealer, all[i], 400);
        }
        _withdraw(who, uint256(_equity(who.account)) - _health(who.account).gridInitial - SLACK, _noClaim());
    }

    function test_gas_trade_32LegsOnEachSide_oneByLeaf() public {
        _measure(
            "trade, 32 legs on each side, one by leaf",
            address(0),
            address(clearinghouse),
            _tradeData(abi.decode(claim, (MarginClaim)))
        );
    }

    function test_gas_trade_32LegsOnEachSide_bothOnTheGrid() public {
        _measure("trade, 32 legs on each side, no leaf", address(0), address(clearinghouse), _tradeData(_noClaim()));
    }

    function _tradeData(MarginClaim memory takerClaim) private returns (bytes memory) {
        uint128 id = clearinghouse.legsOf(alice.account)[0].instrument;
        uint64 mark = engine.markOf(id);
        Order memory maker = _order(bob, id, -1, mark);
        Order memory taker = _order(alice, id, 1, mark);
        return abi.encodeCall(
            clearinghouse.trade, (maker, _sign(bob, maker), taker, _sign(alice, taker), 1, _noClaim(), takerClaim)
        );
    }

    function test_gas_withdraw_32LegsOnTheGrid() public {
        bytes memory data = abi.encodeCall(clearinghouse.withdraw, (alice.account, 1, alice.owner, _noClaim()));
        _measure("withdraw, 32 legs, no leaf", alice.owner, address(clearinghouse), data);
    }
}

/// @notice A reduction that initial margin does not permit: the grid for it, and one each for the book before and after.
contract GasOfReductionTest is GasFixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 1_000_000_000e6);
        _twentyOptions();
        _advance(60, BTC_SPOT * 104 / 100, ETH_SPOT * 104 / 100);
    }

    function test_gas_trade_reducingBelowInitialMargin() public {
        uint128 id = clearinghouse.legsOf(alice.account)[0].instrument;
        int64 lots = clearinghouse.legsOf(alice.account)[0].lots;
        uint64 mark = engine.markOf(id);
        Order memory maker = _order(dealer, id, lots > 0 ? int64(1) : int64(-1), mark);
        Order memory taker = _order(alice, id, lots > 0 ? int64(-1) : int64(1), mark);
        bytes memory data = abi.encodeCall(
            clearinghouse.trade, (maker, _sign(dealer, maker), taker, _sign(alice, taker), 1, _noClaim(), _noClaim())
        );
        assertLt(_equity(alice.account), int256(_health(alice.account).gridInitial), "below initial margin");
        _measure("trade, 20 legs below initial margin reduced", address(0), address(clearinghouse), data);
    }
}

contract GasOfFullBidTest is GasFixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 1_000_000_000e6);
        _deposit(liquidator.account, 10_000_000e6);
        _deposit(alice.account, 10_000_000e6);
        uint128[] memory all = _allInstruments();
        uint256 used;
        for (uint256 i; used < 32; ++i) {
            if (uint8(all[i] >> 64) < CALL) continue;
            // Long by options: it fails in a fall.
            if (uint8(all[i] >> 64) == PUT) _tradeAtMark(dealer, alice, all[i], 500);
            else _tradeAtMark(alice, dealer, all[i], 400);
            ++used;
        }
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _crash();
        _flagAndWait(alice.account, _health(alice.account).worstScenario);
        vm.warp(block.timestamp + 31 minutes);
    }

    function test_gas_bid_wholeBookOf32Legs() public {
        bytes memory data = abi.encodeCall(
            auction.bid, (alice.account, liquidator.account, 1e18, type(int256).min, uint64(block.timestamp))
        );
        _measure("bid, all of 32 legs", liquidator.owner, address(auction), data);
    }
}

/// @notice Each leg its own expiry: nothing is loaded twice.
abstract contract GasOf32Expiries is GasFixture {
    function setUp() public virtual override {
        super.setUp();
        _deposit(dealer.account, 1_000_000_000e6);
        _deposit(liquidator.account, 10_000_000e6);
        _deposit(alice.account, 10_000_000e6);
        uint128[] memory ids = new uint128[](32);
        for (uint256 i; i < 32; ++i) {
            uint40 expiry = uint40(START + (i + 2) * 1 days + 1 hours);
            feeds.addExpiry(BTC, expiry);
            ids[i] = _put(BTC, expiry, _strike(BTC, i % 4));
        }
        listings.list(ids);
        _advance(60, BTC_SPOT, ETH_SPOT);
        for (uint256 i; i < 32; ++i) {
            _tradeAtMark(dealer, alice, ids[i], 500);
        }
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _crash();
    }
}

contract GasOfFlag32ExpiriesTest is GasOf32Expiries {
    uint8 private worst;

    function setUp() public override {
        super.setUp();
        worst = _health(alice.account).worstScenario;
    }

    function test_gas_flag_32LegsOf32Expiries() public {
        bytes memory data = abi.encodeCall(auction.flag, (alice.account, worst));
        _measure("flag, 32 legs of 32 expiries", flagger.owner, address(auction), data);
    }
}

contract GasOfBid32ExpiriesTest is GasOf32Expiries {
    function setUp() public override {
        super.setUp();
        _flagAndWait(alice.account, _health(alice.account).worstScenario);
        vm.warp(block.timestamp + 31 minutes);
    }

    function test_gas_bid_firstOf32LegsOf32Expiries() public {
        bytes memory data = abi.encodeCall(
            auction.bid, (alice.account, liquidator.account, 1e18, type(int256).min, uint64(block.timestamp))
        );
        _measure("bid, all of 32 legs of 32 expiries", liquidator.owner, address(auction), data);
    }
}

contract GasOfObserveTest is GasFixture {
    uint32 private constant TODAY = uint32(START / 1 days);
    uint80 private first;

    /// @dev The ring is full but for today.
    function setUp() public override {
        super.setUp();
        uint32[] memory days_ = new uint32[](127);
        uint80[] memory rounds = new uint80[](127);
        for (uint32 i; i < 128; ++i) {
            btcFeed.postAt(int256(60_000e8 + uint256(i % 9) * 900e8), (uint256(TODAY) + i - 127) * 1 days - 60);
            if (i == 0) (first,,,,) = btcFeed.latestRoundData();
            if (i < 127) (days_[i], rounds[i]) = (TODAY + i - 127, first + i);
        }
        _postSpot(BTC, BTC_SPOT);
        spots.observe(BTC, days_, rounds);
    }

    function test_gas_observe_oneDayOfAFullRing() public {
        uint32[] memory days_ = new uint32[](1);
        uint80[] memory rounds = new uint80[](1);
        (days_[0], rounds[0]) = (TODAY, first + 127);
        bytes memory data = abi.encodeCall(spots.observe, (BTC, days_, rounds));
        _measure("observe, a day of a full ring", address(0), address(spots), data);
    }
}

contract GasOfAttestationTest is GasFixture {
    /// @dev Encoded: a claim cannot be copied into storage.
    bytes private claim;
    bytes private submission;

    function setUp() public override {
        super.setUp();
        _twentyOptions();
        claim = abi.encode(_attestedClaim(alice.account, uint128(_health(alice.account).gridInitial - 10e6), 1e6));
        uint64 epoch = _newEpoch();
        MarginAttestation memory a = _attestation(epoch, keccak256("root"), 3);
        Signature[] memory signatures = _signatures(marginKeys, MARGIN_THRESHOLD, oracle.attestationDigest(a));
        submission = abi.encodeCall(oracle.submit, (a, signatures));
    }

    function test_gas_submit_threeSigners() public {
        _measure("submit, 3 signers", address(0), address(oracle), submission);
    }

    function test_gas_withdraw_twentyOptionsByLeaf() public {
        bytes memory data =
            abi.encodeCall(clearinghouse.withdraw, (alice.account, 1e6, alice.owner, abi.decode(claim, (MarginClaim))));
        _measure("withdraw by leaf, 20 options", alice.owner, address(clearinghouse), data);
    }
}

contract GasOfViewsTest is GasFixture {
    function _legs(uint256 n) private pure returns (Leg[] memory legs) {
        uint128[] memory all = _allInstruments();
        legs = new Leg[](n);
        uint256 used;
        for (uint256 i; used < n; ++i) {
            // Options of both underlyings and expiries only: the dearest book.
            if (uint8(all[i] >> 64) < CALL) continue;
            legs[used] = Leg(all[i], used % 2 == 0 ? int64(500) : -int64(500));
            ++used;
        }
    }

    function test_gas_assess_32OptionsIn48Scenarios() public {
        bytes memory data = abi.encodeCall(engine.assess, (_legs(32), engine.gridMask(), 0));
        _measure("grid, 32 options, 48 scenarios", address(0), address(engine), data);
    }

    function test_gas_assess_32OptionsInTheFloor() public {
        bytes memory data = abi.encodeCall(engine.assess, (_legs(32), engine.floorMask(), 0));
        _measure("floor, 32 options, 10 scenarios", address(0), address(engine), data);
    }

    function test_gas_assess_20OptionsEquityAndStandard() public {
        bytes memory data = abi.encodeCall(engine.assess, (_legs(20), 0, 0));
        _measure("equity and SM, 20 options", address(0), address(engine), data);
    }

    function test_gas_assess_20OptionsOneScenario() public {
        bytes memory data = abi.encodeCall(engine.assess, (_legs(20), 1, 0));
        _measure("equity, SM and one scenario, 20 options", address(0), address(engine), data);
    }

    function test_gas_initialAddOns_20Options() public {
        bytes memory data = abi.encodeCall(engine.initialAddOns, (_legs(20), 0));
        _measure("add-ons of initial margin, 20 options", address(0), address(engine), data);
    }
}
