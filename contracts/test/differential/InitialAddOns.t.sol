// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InitialAddOns} from "../../src/InitialAddOns.sol";
import {IInitialAddOns} from "../../src/interfaces/IInitialAddOns.sol";
import {AccrualLib} from "../../src/libraries/AccrualLib.sol";
import {RoundsLib} from "../../src/libraries/RoundsLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {Leg, StoredQuote} from "../../src/types/Types.sol";
import {Assertions} from "../support/Assertions.sol";
import {Model} from "../support/Model.sol";

/// @title What InitialAddOns asks of engine, feeds and clearinghouse, answered from a vector file
contract MarketStub {
    mapping(uint16 underlying => uint64) private _spots;
    mapping(uint16 underlying => uint64) public lotOf;
    mapping(uint16 underlying => mapping(uint40 expiry => StoredQuote)) private _quotes;
    mapping(uint128 instrument => uint64) public openInterest;
    mapping(uint16 underlying => mapping(uint40 expiry => AccrualLib.Accrual)) private _accruals;

    function setAccrual(uint16 underlying, uint40 expiry, AccrualLib.Accrual calldata accrual_) external {
        _accruals[underlying][expiry] = accrual_;
    }

    function accrual(uint16 underlying, uint40 expiry) external view returns (AccrualLib.Accrual memory) {
        return _accruals[underlying][expiry];
    }

    function setUnderlying(uint16 underlying, uint64 spot, uint64 lot) external {
        (_spots[underlying], lotOf[underlying]) = (spot, lot);
    }

    function setQuote(uint16 underlying, uint40 expiry, StoredQuote calldata quote) external {
        _quotes[underlying][expiry] = quote;
    }

    function setOpenInterest(uint128 instrument, uint64 lots) external {
        openInterest[instrument] = lots;
    }

    function feeds() external view returns (address) {
        return address(this);
    }

    function spots() external view returns (address) {
        return address(this);
    }

    function reading(uint16 underlying) external view returns (uint64, uint64, bool, uint64) {
        return (_spots[underlying], uint64(block.timestamp), true, 0);
    }

    function market(uint16 underlying, uint40 expiry, uint256) external view returns (StoredQuote memory, uint64) {
        return (_quotes[underlying][expiry], 0);
    }
}

/// @notice Every add-on of random books against tests/vectors/add_ons.json, which the keeper computed in integers a lot.
contract InitialAddOnsDifferentialTest is Assertions {
    string private json;
    MarketStub private market;
    InitialAddOns private addOns;

    function setUp() public {
        json = vm.readFile("../tests/vectors/add_ons.json");
        vm.warp(vm.parseJsonUint(json, ".now"));
        market = new MarketStub();
        uint256[] memory ids = vm.parseJsonUintArray(json, ".underlying");
        uint256[] memory spots = vm.parseJsonUintArray(json, ".spot_e8");
        uint256[] memory lots = vm.parseJsonUintArray(json, ".lot_wad");
        for (uint256 i; i < ids.length; ++i) {
            market.setUnderlying(uint16(ids[i]), uint64(spots[i]), uint64(lots[i]));
        }
        _quotes();
        _accruals();
        uint256[] memory instruments = vm.parseJsonUintArray(json, ".instrument");
        uint256[] memory open = vm.parseJsonUintArray(json, ".open_interest");
        for (uint256 i; i < instruments.length; ++i) {
            market.setOpenInterest(uint128(instruments[i]), uint64(open[i]));
        }
        PriceFeedMock coin = new PriceFeedMock(8, "USDC / USD");
        coin.post(int256(vm.parseJsonUint(json, ".coin_e8")));
        addOns = new InitialAddOns(
            address(market), address(market), Model.addOnRules(), RoundsLib.Feed(address(coin), 1 days, 0)
        );
    }

    function test_addOns_randomBooks_areWithinRoundingOfTheKeepers() public {
        uint256[][6] memory expected;
        expected[0] = vm.parseJsonUintArray(json, ".concentration_usd6");
        expected[1] = vm.parseJsonUintArray(json, ".basis_usd6");
        expected[2] = vm.parseJsonUintArray(json, ".vega_usd6");
        expected[3] = vm.parseJsonUintArray(json, ".confidence_usd6");
        expected[4] = vm.parseJsonUintArray(json, ".depeg_usd6");
        expected[5] = vm.parseJsonUintArray(json, ".pin_usd6");
        uint256[6] memory most;
        uint256[6] memory seen;
        for (uint256 i; i < expected[0].length; ++i) {
            (Leg[] memory legs, uint256 lots) = _book(i);
            uint256[6] memory found = _found(legs);
            for (uint256 k; k < 6; ++k) {
                // A rate and its price round up a lot; what nets is to nearest a lot.
                assertClose(found[k], expected[k][i], lots + legs.length + 1, vm.toString(i * 10 + k));
                uint256 off = found[k] > expected[k][i] ? found[k] - expected[k][i] : expected[k][i] - found[k];
                if (off > most[k]) most[k] = off;
                if (found[k] > seen[k]) seen[k] = found[k];
            }
            assertEq(addOns.total(legs, 0), found[0] + found[1] + found[2] + found[3] + found[4] + found[5], "total");
        }
        for (uint256 k; k < 6; ++k) {
            log("largest difference, micro-dollars", most[k]);
            assertTrue(seen[k] > 1e6, "each asks something of some book");
        }
    }

    function _found(Leg[] memory legs) private view returns (uint256[6] memory) {
        IInitialAddOns.AddOns memory a = addOns.addOns(legs, 0);
        return [a.concentration, a.basis, a.vega, a.confidence, a.depeg, a.pin];
    }

    function _book(uint256 i) private view returns (Leg[] memory legs, uint256 lots) {
        string memory row = string.concat("[", vm.toString(i), "]");
        uint256[] memory ids = vm.parseJsonUintArray(json, string.concat(".legs", row));
        int256[] memory sizes = vm.parseJsonIntArray(json, string.concat(".lots", row));
        legs = new Leg[](ids.length);
        for (uint256 j; j < ids.length; ++j) {
            legs[j] = Leg(uint128(ids[j]), int64(sizes[j]));
            lots += uint256(sizes[j] < 0 ? -sizes[j] : sizes[j]);
        }
    }

    function _quotes() private {
        uint256[] memory underlying = vm.parseJsonUintArray(json, ".forward_underlying");
        uint256[] memory expiry = vm.parseJsonUintArray(json, ".forward_expiry");
        for (uint256 i; i < expiry.length; ++i) {
            StoredQuote memory quote;
            quote.time = uint64(block.timestamp);
            quote.ratio = uint64(uint256(_forward("ratio_wad", i)));
            quote.confidence = uint64(uint256(_forward("confidence_wad", i)));
            quote.a = int64(_forward("a", i));
            quote.b = int64(_forward("b", i));
            quote.rho = int64(_forward("rho", i));
            quote.m = int64(_forward("m", i));
            quote.sigma = int64(_forward("sigma", i));
            market.setQuote(uint16(underlying[i]), uint40(expiry[i]), quote);
        }
    }

    function _accruals() private {
        uint256[] memory underlyings = vm.parseJsonUintArray(json, ".accrued_underlying");
        uint256[] memory expiries = vm.parseJsonUintArray(json, ".accrued_expiry");
        uint256[] memory untils = vm.parseJsonUintArray(json, ".accrued_until");
        uint256[] memory sums = vm.parseJsonUintArray(json, ".accrued_sum_e8");
        for (uint256 i; i < sums.length; ++i) {
            AccrualLib.Accrual memory accrual = AccrualLib.Accrual(uint40(untils[i]), uint128(sums[i]));
            market.setAccrual(uint16(underlyings[i]), uint40(expiries[i]), accrual);
        }
    }

    function _forward(string memory column, uint256 i) private view returns (int256) {
        return vm.parseJsonInt(json, string.concat(".forward_", column, "[", vm.toString(i), "]"));
    }
}
