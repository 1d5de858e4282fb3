// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RiskEngine} from "../../src/RiskEngine.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {AccrualLib} from "../../src/libraries/AccrualLib.sol";
import {Leg, StoredQuote} from "../../src/types/Types.sol";
import {Assertions} from "../support/Assertions.sol";
import {Model} from "../support/Model.sol";

/// @title What RiskEngine asks of MarketFeeds, answered from a vector file
contract FeedsStub {
    mapping(uint16 underlying => uint64) private _spots;
    mapping(uint16 underlying => mapping(uint40 expiry => AccrualLib.Accrual)) private _accruals;
    StoredQuote private _quote;

    constructor(uint64[2] memory prices, StoredQuote memory quote) {
        (_spots[1], _spots[2]) = (prices[0], prices[1]);
        _quote = quote;
    }

    function spots() external view returns (address) {
        return address(this);
    }

    function reading(uint16 underlying) external view returns (uint64, uint64, bool, uint64) {
        return (_spots[underlying], uint64(block.timestamp), true, 0);
    }

    function setAccrual(uint16 underlying, uint40 expiry, AccrualLib.Accrual calldata accrual_) external {
        _accruals[underlying][expiry] = accrual_;
    }

    function accrual(uint16 underlying, uint40 expiry) external view returns (AccrualLib.Accrual memory) {
        return _accruals[underlying][expiry];
    }

    function market(uint16, uint40, uint256) external view returns (StoredQuote memory, uint64) {
        return (_quote, 0);
    }
}

/// @notice Every scenario of the table, and rows that use all columns at once, against tests/vectors/scenarios.json, which
/// mpmath computed from docs/model.md.
contract ScenariosDifferentialTest is Assertions {
    /// @dev Micro-dollars on a thousand units: a loss is rounded up, and 91 million USD have 1e-16 of error.
    uint256 private constant TOLERANCE = 2;

    string private json;
    uint256[] private instruments;
    int64 private lots;
    FeedsStub private feeds;

    function setUp() public {
        json = vm.readFile("../tests/vectors/scenarios.json");
        instruments = vm.parseJsonUintArray(json, ".instrument");
        lots = int64(vm.parseJsonInt(json, ".lots"));
        vm.warp(vm.parseJsonUint(json, ".now"));
        uint256[] memory spots = vm.parseJsonUintArray(json, ".spot_e8");
        StoredQuote memory quote;
        quote.ratio = uint64(vm.parseJsonUint(json, ".ratio_wad"));
        quote.time = uint64(block.timestamp);
        quote.a = int64(vm.parseJsonInt(json, ".a"));
        quote.b = int64(vm.parseJsonInt(json, ".b"));
        quote.rho = int64(vm.parseJsonInt(json, ".rho"));
        quote.m = int64(vm.parseJsonInt(json, ".m"));
        quote.sigma = int64(vm.parseJsonInt(json, ".sigma"));
        feeds = new FeedsStub([uint64(spots[0]), uint64(spots[1])], quote);
        _setAccruals();
    }

    function _setAccruals() private {
        uint256[] memory underlyings = vm.parseJsonUintArray(json, ".accrued_underlying");
        uint256[] memory expiries = vm.parseJsonUintArray(json, ".accrued_expiry");
        uint256[] memory untils = vm.parseJsonUintArray(json, ".accrued_until");
        uint256[] memory sums = vm.parseJsonUintArray(json, ".accrued_sum_e8");
        for (uint256 i; i < sums.length; ++i) {
            AccrualLib.Accrual memory accrual = AccrualLib.Accrual(uint40(untils[i]), uint128(sums[i]));
            feeds.setAccrual(uint16(underlyings[i]), uint40(expiries[i]), accrual);
        }
    }

    function test_scenarios_committedTable_equalsTheVectors() public {
        IRiskEngine.Scenario[] memory rows = Model.scenarios();
        _compare(_engine(rows), rows.length, 0);
    }

    function test_scenarios_extraRows_equalTheVectors() public {
        IRiskEngine.Scenario[] memory rows = _extraRows();
        assertTrue(rows.length > 5, "rows");
        _compare(_engine(rows), rows.length, Model.SCENARIOS);
    }

    /// @dev One scenario at a time and all at once must not differ: working state is shared between rows.
    function test_scenarios_allAtOnce_areTheWorstOfEachAlone() public {
        for (uint256 table; table < 2; ++table) {
            IRiskEngine.Scenario[] memory rows = table == 0 ? Model.scenarios() : _extraRows();
            IRiskEngine engine = _engine(rows);
            for (uint256 i; i < instruments.length; ++i) {
                uint256 worst;
                for (uint256 s; s < rows.length; ++s) {
                    uint256 loss = _loss(engine, instruments[i], -lots, 1 << s);
                    if (loss > worst) worst = loss;
                }
                assertEq(_loss(engine, instruments[i], -lots, engine.gridMask()), worst, vm.toString(i));
            }
        }
    }

    /// @dev A book of all legs, sorted by underlying and expiry, nets them in each scenario.
    function test_scenarios_wholeBook_isTheSumOfItsLegs() public {
        IRiskEngine engine = _engine(Model.scenarios());
        Leg[] memory legs = new Leg[](instruments.length);
        for (uint256 i; i < legs.length; ++i) {
            legs[i] = Leg(uint128(_sorted(i)), lots);
        }
        for (uint256 s; s < Model.SCENARIOS; ++s) {
            int256[] memory pnl = vm.parseJsonIntArray(json, string.concat(".pnl_usd6[", vm.toString(s), "]"));
            int256 sum;
            for (uint256 i; i < pnl.length; ++i) {
                sum += pnl[i];
            }
            uint256 expected = sum < 0 ? uint256(-sum) : 0;
            assertClose(int256(engine.assess(legs, 1 << s, 0).worstLoss), int256(expected), 40, vm.toString(s));
        }
    }

    function _compare(IRiskEngine engine, uint256 count, uint256 first) private {
        uint256 most;
        for (uint256 s; s < count; ++s) {
            int256[] memory pnl = vm.parseJsonIntArray(json, string.concat(".pnl_usd6[", vm.toString(first + s), "]"));
            assertEq(pnl.length, instruments.length, "legs");
            for (uint256 i; i < pnl.length; ++i) {
                int256 found = int256(_loss(engine, instruments[i], -lots, 1 << s))
                    - int256(_loss(engine, instruments[i], lots, 1 << s));
                uint256 off = uint256(found > pnl[i] ? found - pnl[i] : pnl[i] - found);
                if (off > most) most = off;
                assertLe(off, TOLERANCE, string.concat(vm.toString(s), " ", vm.toString(i)));
            }
        }
        log("largest error, micro-dollars on a thousand units", most);
    }

    function _loss(IRiskEngine engine, uint256 instrument, int64 size, uint256 mask) private view returns (uint256) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(uint128(instrument), size);
        return engine.assess(legs, mask, 0).worstLoss;
    }

    function _sorted(uint256 rank) private view returns (uint256) {
        for (uint256 i; i < instruments.length; ++i) {
            uint256 below;
            for (uint256 j; j < instruments.length; ++j) {
                if (instruments[j] < instruments[i]) ++below;
            }
            if (below == rank) return instruments[i];
        }
        revert("ranks");
    }

    function _engine(IRiskEngine.Scenario[] memory rows) private returns (IRiskEngine) {
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        return new RiskEngine(address(feeds), bytes32(uint256(1)), Model.factors(), ids, risks, rows);
    }

    function _extraRows() private view returns (IRiskEngine.Scenario[] memory rows) {
        rows = new IRiskEngine.Scenario[](vm.parseJsonUintArray(json, ".extra_focus").length);
        for (uint256 i; i < rows.length; ++i) {
            rows[i].spotBps = int24(_extra("spot_bps", i));
            rows[i].othersSpotBps = int24(_extra("others_spot_bps", i));
            rows[i].volBps = int24(_extra("vol_bps", i));
            rows[i].othersVolBps = int24(_extra("others_vol_bps", i));
            rows[i].flatBps = int16(_extra("flat_bps", i));
            rows[i].frontBps = int16(_extra("front_bps", i));
            rows[i].twistBps = int16(_extra("twist_bps", i));
            rows[i].skewBps = int16(_extra("skew_bps", i));
            rows[i].curvatureBps = int16(_extra("curvature_bps", i));
            rows[i].weightBps = uint16(uint256(_extra("weight_bps", i)));
            rows[i].clockSeconds = uint24(uint256(_extra("clock_seconds", i)));
            rows[i].focus = uint16(uint256(_extra("focus", i)));
            rows[i].rolls = vm.parseJsonBool(json, string.concat(".extra_rolls[", vm.toString(i), "]"));
        }
    }

    function _extra(string memory column, uint256 i) private view returns (int256) {
        return vm.parseJsonInt(json, string.concat(".extra_", column, "[", vm.toString(i), "]"));
    }
}
