// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IInitialAddOns} from "./interfaces/IInitialAddOns.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {AccrualLib} from "./libraries/AccrualLib.sol";
import {BpsLib} from "./libraries/BpsLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {LegRiskLib} from "./libraries/LegRiskLib.sol";
import {NotionalLib} from "./libraries/NotionalLib.sol";
import {PricingLib} from "./libraries/PricingLib.sol";
import {ShockLib} from "./libraries/ShockLib.sol";
import {RiskModel} from "./RiskModel.sol";
import {Leg, StoredQuote} from "./types/Types.sol";

/// @title Risk engine
/// @notice See {IRiskEngine}, which documents every entry point, event and error.
contract RiskEngine is RiskModel {
    using InstrumentLib for uint128;

    uint256 internal constant WORLDS = 2;
    int256 internal constant WAD = 1e18;
    uint256 internal constant SURFACE_MAX_AGE = 2 hours;

    IMarketFeeds private immutable _feeds;
    ISpotFeeds private immutable _spots;

    /// @dev Working state of one pass. Prices are wad; a term is an underlying with an expiry, as instruments begin with them. `forward`
    /// is what an expired term is worth as well; `exitPrice` is the same were the ratio one, and `moving` the share that moves.
    struct Pass {
        uint256 world;
        uint56 term;
        uint40 expiry;
        bool begun;
        uint256 time;
        uint256 spot;
        uint256 forward;
        uint256 exitPrice;
        uint256 moving;
        uint256 secondsLeft;
        bool expired;
        uint64 settlement;
        bool spotFresh;
        bool current;
        UnderlyingRisk risk;
        StoredQuote quote;
        int256 optionValue;
        int256 otherExit;
        int256 value;
        uint256 gross;
        uint256 addOns;
        uint256 charge;
        uint256 standardShort;
        uint256 standardLong;
        Factors factors;
    }

    /// @dev The scenarios asked for, dense.
    struct Asked {
        uint256[] index;
        Scenario[] rows;
        ShockLib.Shock[] shocks;
    }

    constructor(
        address feeds_,
        bytes32 modelHash_,
        Factors memory factors_,
        uint16[] memory underlyings,
        UnderlyingRisk[] memory risks,
        Scenario[] memory scenarios
    ) RiskModel(modelHash_, factors_, underlyings, risks, scenarios) {
        _feeds = IMarketFeeds(feeds_);
        _spots = ISpotFeeds(IMarketFeeds(feeds_).spots());
    }

    /* ASSESSMENT */

    /// @inheritdoc IRiskEngine
    function assess(Leg[] calldata legs, uint256 scenarioMask, uint256 world)
        external
        view
        returns (Assessment memory)
    {
        if (world >= WORLDS) revert UnknownWorld(world, WORLDS);
        return _assess(legs, scenarioMask, world);
    }

    /// @inheritdoc IRiskEngine
    function assessInAllWorlds(Leg[] calldata legs, uint256 scenarioMask)
        external
        view
        returns (Assessment[] memory results)
    {
        results = new Assessment[](worldCount(legs));
        for (uint256 world; world < results.length; ++world) {
            results[world] = _assess(legs, scenarioMask, world);
        }
    }

    function _assess(Leg[] calldata legs, uint256 scenarioMask, uint256 world)
        private
        view
        returns (Assessment memory result)
    {
        if (scenarioMask & ~gridMask != 0) {
            revert UnknownScenario(FixedPointMathLib.log2(scenarioMask), _scenarios.length);
        }
        Pass memory pass;
        pass.world = world;
        pass.factors = _factors;
        Asked memory asked = _load(scenarioMask);
        for (uint256 i; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            _enter(pass, asked, leg.instrument);
            if (result.staleInstrument == 0 && !_isCurrent(pass, leg.instrument)) {
                result.staleInstrument = leg.instrument;
            }
            _add(pass, asked.shocks, leg.instrument, leg.lots);
        }
        result.value = LegRiskLib.usd6Down(pass.value);
        result.exitValue = LegRiskLib.usd6Down(pass.otherExit + FixedPointMathLib.min(pass.optionValue, 0));
        result.gross = LegRiskLib.usd6Up(pass.gross);
        result.addOns = LegRiskLib.usd6Up(pass.addOns);
        result.minimumCharge = LegRiskLib.usd6Up(pass.charge);
        result.standard = LegRiskLib.usd6Up(pass.standardShort + pass.standardLong) + result.addOns;
        result.standardInitial = LegRiskLib.usd6Up(
            BpsLib.shareUp(pass.standardShort, pass.factors.initialBps) + pass.standardLong
        ) + result.addOns;
        (result.worstLoss, result.worstScenario) = _worst(asked);
    }

    /// @inheritdoc IRiskEngine
    function maintenanceMargin(Assessment memory assessment) external view returns (uint256) {
        uint256 scaled = BpsLib.shareUp(assessment.worstLoss, _factors.maintenanceBps);
        uint256 charge = assessment.minimumCharge;
        uint256 required = (scaled > charge ? scaled : charge) + assessment.addOns;
        return required < assessment.standard ? required : assessment.standard;
    }

    /// @inheritdoc IRiskEngine
    function initialMargin(Assessment memory assessment) external view returns (uint256) {
        return _scaledWorst(assessment) + assessment.addOns;
    }

    /// @inheritdoc IRiskEngine
    function gridInitialMargin(Assessment memory assessment, uint256 ofInitial) external view returns (uint256) {
        return BpsLib.shareUp(_scaledWorst(assessment), _factors.gridBps) + assessment.addOns + ofInitial;
    }

    /// @inheritdoc IRiskEngine
    function initialAddOns(Leg[] calldata legs, uint256 world) external view returns (uint256) {
        return IInitialAddOns(addOns).total(legs, world);
    }

    /// @inheritdoc IRiskEngine
    function floorInitialMargin(Assessment memory assessment) external view returns (uint256) {
        uint256 stressed = BpsLib.shareUp(assessment.worstLoss, _factors.initialBps);
        uint256 share = BpsLib.shareUp(assessment.gross, _factors.floorGrossBps);
        return (stressed > share ? stressed : share) + assessment.addOns;
    }

    /// @inheritdoc IRiskEngine
    function worldCount(Leg[] calldata legs) public view returns (uint256) {
        uint16 last;
        for (uint256 i; i < legs.length; ++i) {
            uint16 underlying = legs[i].instrument.underlyingOf();
            if (underlying == last) continue;
            if (_feeds.hasPendingWorld(underlying)) return WORLDS;
            last = underlying;
        }
        return 1;
    }

    /* VIEWS */

    /// @inheritdoc IRiskEngine
    function feeds() external view returns (address) {
        return address(_feeds);
    }

    /// @inheritdoc IRiskEngine
    function markOf(uint128 instrument) external view returns (uint64) {
        Pass memory pass;
        _enter(pass, _load(0), instrument);
        return _mark(pass, instrument);
    }

    /// @inheritdoc IRiskEngine
    function notionalsOf(Leg[] calldata legs) external view returns (int256[] memory notionals) {
        Pass memory pass;
        Asked memory none = _load(0);
        notionals = new int256[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            _enter(pass, none, legs[i].instrument);
            uint128 id = legs[i].instrument;
            int256 price = int256(uint256(_mark(pass, id))) * 1e10;
            // As the ledger enters it: a perpetual at its price less the funding index.
            if (id.kindOf() == InstrumentLib.PERPETUAL) price -= _feeds.fundingIndex(id.underlyingOf());
            notionals[i] = NotionalLib.truncated(legs[i].lots, pass.risk.lot, price);
        }
    }

    /// @inheritdoc IRiskEngine
    function scanRangeOf(uint16 underlying) external view returns (uint64) {
        (,,, uint64 scanRange) = _spots.reading(underlying);
        return scanRange == 0 ? _risks[underlying].scanRange : scanRange;
    }

    /* INTERNAL: MARKET */

    /// @dev Loads what changes with the underlying and with the expiry; legs are sorted, so each is loaded once.
    function _enter(Pass memory pass, Asked memory asked, uint128 instrument) private view {
        uint56 term = uint56(instrument >> 72);
        if (pass.begun && term == pass.term) return;
        (uint16 underlying, uint40 expiry) = (uint16(term >> 40), uint40(term));
        // A term that settles by an average has held the shocks back.
        bool again = pass.moving != 1e18;
        if (!pass.begun || again || underlying != uint16(pass.term >> 40)) _enterUnderlying(pass, asked, underlying);
        (pass.begun, pass.term, pass.expiry) = (true, term, expiry);
        (pass.quote, pass.settlement) = _feeds.market(underlying, expiry, pass.world);
        // Rounded down to 1e-8 USD, as the keeper's integer forward is.
        pass.forward = (pass.spot / 1e10) * pass.quote.ratio / 1e18 * 1e10;
        pass.secondsLeft = expiry > pass.time ? expiry - pass.time : 0;
        pass.expired = expiry != 0 && pass.secondsLeft == 0;
        bool quoteFresh = pass.quote.time != 0 && block.timestamp <= pass.quote.time + SURFACE_MAX_AGE;
        pass.current = pass.spotFresh && quoteFresh && !pass.expired;
        (pass.exitPrice, pass.moving) = (pass.spot, 1e18);
        if (pass.expired) pass.forward = pass.settlement != 0 ? uint256(pass.settlement) * 1e10 : pass.spot;
        if (pass.settlement == 0 && AccrualLib.isWithin(expiry, pass.time)) _average(pass, underlying, expiry);
        ShockLib.enterTerm(asked.shocks, asked.rows, underlying, pass.risk, expiry, pass.secondsLeft);
        if (pass.moving != 1e18) ShockLib.holdBack(asked.shocks, pass.moving);
    }

    /// @dev What has accrued of the settlement average stands still; the rest is worth the forward, or spot once it has expired.
    function _average(Pass memory pass, uint16 underlying, uint40 expiry) private view {
        AccrualLib.Accrual memory accrual = _spots.accrual(underlying, expiry);
        (pass.exitPrice,) = AccrualLib.expected(accrual, expiry, pass.spot);
        (pass.forward, pass.moving) = AccrualLib.expected(accrual, expiry, pass.forward);
    }

    function _enterUnderlying(Pass memory pass, Asked memory asked, uint16 underlying) private view {
        pass.risk = _risks[underlying];
        if (pass.risk.lot == 0) revert UnknownUnderlying(underlying);
        (uint64 spot,, bool fresh, uint64 scanRange) = _spots.reading(underlying);
        pass.spot = uint256(spot) * 1e10;
        pass.spotFresh = fresh;
        pass.time = fresh ? block.timestamp : _lastMoment(underlying);
        if (scanRange == 0) scanRange = pass.risk.scanRange;
        ShockLib.enterUnderlying(asked.shocks, asked.rows, underlying, scanRange);
    }

    /// @dev A closed underlying is priced as of its end for good.
    function _lastMoment(uint16 underlying) private view returns (uint256) {
        uint40 closedAt = _spots.closedAt(underlying);
        return closedAt == 0 ? block.timestamp : closedAt;
    }

    function _isCurrent(Pass memory pass, uint128 instrument) private pure returns (bool) {
        return pass.current || (pass.spotFresh && instrument.kindOf() == InstrumentLib.SPOT);
    }

    /// @dev In 1e-8 USD, rounded to nearest.
    function _mark(Pass memory pass, uint128 instrument) private pure returns (uint64) {
        return uint64((_price(pass, instrument).mark + 5e9) / 1e10);
    }

    function _price(Pass memory pass, uint128 instrument) private pure returns (LegRiskLib.Priced memory p) {
        p.kind = instrument.kindOf();
        p.strike = uint256(instrument.strikeOf()) * 1e10;
        p.expired = pass.expired;
        p.basePrice = pass.forward == 0 ? pass.spot : pass.forward;
        if (!InstrumentLib.isOption(p.kind)) {
            p.mark = p.kind == InstrumentLib.SPOT ? pass.spot : pass.forward;
        } else if (p.expired) {
            p.mark = PricingLib.intrinsic(p.basePrice, p.strike, p.kind == InstrumentLib.CALL);
        } else {
            p.k = PricingLib.logMoneyness(pass.forward, p.strike);
            p.variance = PricingLib.variancePerYear(pass.quote, p.k, pass.moving);
            p.deviation = PricingLib.deviation(p.variance, pass.secondsLeft);
            p.mark = PricingLib.price(pass.forward, p.strike, p.k, p.deviation, p.kind == InstrumentLib.CALL);
        }
    }

    /* INTERNAL: SCENARIOS */

    function _load(uint256 mask) private view returns (Asked memory asked) {
        uint256 n = LibBit.popCount(mask);
        asked.index = new uint256[](n);
        asked.rows = new Scenario[](n);
        asked.shocks = new ShockLib.Shock[](n);
        uint256 j;
        for (uint256 s; mask != 0; ++s) {
            if (mask & 1 == 1) {
                Scenario memory row = _scenarios[s];
                asked.index[j] = s;
                asked.rows[j] = row;
                asked.shocks[j].tilted = row.skewBps != 0 || row.curvatureBps != 0;
                asked.shocks[j++].weightBps = int256(uint256(row.weightBps));
            }
            mask >>= 1;
        }
    }

    function _worst(Asked memory asked) private pure returns (uint256 loss, uint8 index) {
        for (uint256 j; j < asked.shocks.length; ++j) {
            int256 sum = asked.shocks[j].loss;
            uint256 candidate = sum > 0 ? LegRiskLib.usd6Up(uint256(sum)) : 0;
            if (j == 0 || candidate > loss) (loss, index) = (candidate, uint8(asked.index[j]));
        }
    }

    /* INTERNAL: LEGS */

    /// @dev Unchecked: lots * lot is below 2^123 and a price below 2^104; no book has the legs to fill the rest.
    function _add(Pass memory pass, ShockLib.Shock[] memory shocks, uint128 instrument, int64 lots) private pure {
        unchecked {
            LegRiskLib.Priced memory p = _price(pass, instrument);
            int256 size = int256(lots) * int256(uint256(pass.risk.lot));
            int256 legValue = size * int256(p.mark);
            pass.value += legValue;
            if (InstrumentLib.isOption(p.kind)) {
                pass.optionValue += legValue;
            } else if (p.kind == InstrumentLib.SPOT) {
                pass.otherExit += legValue * (WAD - int256(uint256(pass.risk.linearRate))) / WAD;
            } else {
                // The ratio is the feed signers' word: what it adds over spot does not leave as cash.
                pass.otherExit += p.expired ? legValue : FixedPointMathLib.min(legValue, size * int256(pass.exitPrice));
            }
            _addRequirements(pass, p, size);
            // A fixed settlement price moves no more.
            if (p.expired && pass.settlement != 0) return;
            if (p.expired || !InstrumentLib.isOption(p.kind)) LegRiskLib.stressPrice(p, shocks, size);
            else LegRiskLib.stressOption(pass.forward, pass.secondsLeft, p, shocks, size);
        }
    }

    /// @dev Gross, add-ons, minimum charge and the closed-form standard margin of a leg; see the Aggregation table of docs/model.md.
    /// Unchecked: as {_add}, and no factor reaches 2^32.
    function _addRequirements(Pass memory pass, LegRiskLib.Priced memory p, int256 size) private pure {
        unchecked {
            uint256 absSize = uint256(size < 0 ? -size : size);
            uint256 gross = absSize * pass.spot;
            uint256 standard;
            if (!InstrumentLib.isOption(p.kind)) {
                standard = absSize * (p.mark * pass.risk.linearRate / 1e18);
                pass.standardShort += standard;
            } else if (size > 0) {
                standard = absSize * p.mark;
                pass.standardLong += standard;
            } else {
                standard = absSize * LegRiskLib.shortOptionRate(p, pass.risk);
                pass.standardShort += standard;
                pass.addOns += gross / 10_000 * pass.factors.shortOptionMinimumBps;
            }
            pass.gross += gross;
            uint256 ofGross = gross / 10_000 * pass.factors.minimumChargeBps;
            uint256 ofStandard = standard / 10_000 * pass.factors.minimumChargeStandardBps;
            pass.charge += ofGross < ofStandard ? ofGross : ofStandard;
        }
    }

    /// @dev Initial factor on the larger of worst loss and minimum charge.
    function _scaledWorst(Assessment memory assessment) private view returns (uint256) {
        uint256 charge = assessment.minimumCharge;
        uint256 base = assessment.worstLoss > charge ? assessment.worstLoss : charge;
        return BpsLib.shareUp(base, _factors.initialBps);
    }
}
