// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IInitialAddOns} from "./interfaces/IInitialAddOns.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {AccrualLib} from "./libraries/AccrualLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {NormalLib} from "./libraries/NormalLib.sol";
import {PricingLib} from "./libraries/PricingLib.sol";
import {RoundsLib} from "./libraries/RoundsLib.sol";
import {Leg, StoredQuote} from "./types/Types.sol";

/// @title Add-ons of the initial margin
/// @notice See {IInitialAddOns}, which documents every entry point and error.
contract InitialAddOns is IInitialAddOns {
    using InstrumentLib for uint128;
    using RoundsLib for RoundsLib.Feed;

    uint256 internal constant WAD = 1e18;
    /// @dev lots * lot(wad) * price(wad) is in 1e-36 USD; micro-dollars are 1e-6.
    uint256 internal constant TO_USD6 = 1e30;
    uint256 internal constant YEAR = 365 days;
    /// @dev Deviations beyond which delta is 0 or 1, in units of 2^-64.
    int256 internal constant FAR = 40 * 2 ** 64;

    IRiskEngine public immutable engine;
    IMarketFeeds private immutable _feeds;
    ISpotFeeds private immutable _spots;
    IClearinghouse private immutable _clearinghouse;

    Rules private _rules;
    RoundsLib.Feed private _coin;

    /// @dev Working state of one pass. Prices are wad; sums are in 1e-36 USD. The last two are of the present expiry and may net.
    struct Pass {
        Rules rules;
        uint256 world;
        uint256 depegRate;
        uint16 underlying;
        uint40 expiry;
        bool begun;
        uint256 lot;
        uint256 spot;
        uint256 forward;
        uint256 moving;
        uint256 secondsLeft;
        uint256 basisRate;
        bool expired;
        bool settled;
        StoredQuote quote;
        AddOns sums;
        int256 netBasis;
        int256 netVega;
    }

    constructor(address engine_, address clearinghouse_, Rules memory rules_, RoundsLib.Feed memory coin_) {
        engine = IRiskEngine(engine_);
        _feeds = IMarketFeeds(IRiskEngine(engine_).feeds());
        _spots = ISpotFeeds(_feeds.spots());
        _clearinghouse = IClearinghouse(clearinghouse_);
        _rules = rules_;
        if (coin_.aggregator != address(0)) _coin = RoundsLib.connect(coin_.aggregator, coin_.maxAge);
    }

    /* VIEWS */

    /// @inheritdoc IInitialAddOns
    function total(Leg[] calldata legs, uint256 world) external view returns (uint256) {
        AddOns memory a = addOns(legs, world);
        return a.concentration + a.basis + a.vega + a.confidence + a.depeg + a.pin;
    }

    /// @inheritdoc IInitialAddOns
    function addOns(Leg[] calldata legs, uint256 world) public view returns (AddOns memory result) {
        Pass memory pass;
        pass.rules = _rules;
        pass.world = world;
        pass.depegRate = _depegRate(pass.rules);
        for (uint256 i; i < legs.length; ++i) {
            _enter(pass, legs[i].instrument);
            _add(pass, legs[i].instrument, int256(legs[i].lots) * int256(pass.lot));
        }
        _closeExpiry(pass);
        AddOns memory sums = pass.sums;
        result.concentration = FixedPointMathLib.divUp(sums.concentration, TO_USD6);
        result.basis = FixedPointMathLib.divUp(sums.basis, TO_USD6);
        result.vega = FixedPointMathLib.divUp(sums.vega, TO_USD6);
        result.confidence = FixedPointMathLib.divUp(sums.confidence, TO_USD6);
        result.depeg = FixedPointMathLib.divUp(sums.depeg, TO_USD6);
        result.pin = FixedPointMathLib.divUp(sums.pin, TO_USD6);
    }

    /// @inheritdoc IInitialAddOns
    function rules() external view returns (Rules memory) {
        return _rules;
    }

    /// @inheritdoc IInitialAddOns
    function clearinghouse() external view returns (address) {
        return address(_clearinghouse);
    }

    /// @inheritdoc IInitialAddOns
    function coinPrice() public view returns (uint64 price, bool configured) {
        RoundsLib.Feed memory coin = _coin;
        configured = coin.aggregator != address(0);
        if (configured) (price,) = coin.latest();
    }

    /// @inheritdoc IInitialAddOns
    function coinFeed() external view returns (address aggregator, uint32 maxAge) {
        return (_coin.aggregator, _coin.maxAge);
    }

    /* INTERNAL: MARKET */

    /// @dev Legs are sorted, so each underlying and each expiry is loaded once, and what nets stands together.
    function _enter(Pass memory pass, uint128 instrument) private view {
        uint16 underlying = instrument.underlyingOf();
        uint40 expiry = instrument.expiryOf();
        bool newUnderlying = !pass.begun || underlying != pass.underlying;
        if (newUnderlying) {
            pass.lot = engine.lotOf(underlying);
            if (pass.lot == 0) revert UnknownUnderlying(underlying);
            (uint64 spot,,,) = _spots.reading(underlying);
            pass.spot = uint256(spot) * 1e10;
        }
        if (newUnderlying || expiry != pass.expiry) {
            _closeExpiry(pass);
            uint64 settlement;
            (pass.quote, settlement) = _feeds.market(underlying, expiry, pass.world);
            pass.expired = expiry != 0 && expiry <= block.timestamp;
            pass.settled = pass.expired && settlement != 0;
            pass.secondsLeft = expiry > block.timestamp ? expiry - block.timestamp : 0;
            pass.forward = pass.expired ? pass.spot : pass.spot / 1e10 * pass.quote.ratio / WAD * 1e10;
            pass.moving = WAD;
            if (settlement == 0 && AccrualLib.isWithin(expiry, block.timestamp)) {
                AccrualLib.Accrual memory accrual = _spots.accrual(underlying, expiry);
                (pass.forward, pass.moving) = AccrualLib.expected(accrual, expiry, pass.forward);
            }
            pass.basisRate = _basisRate(pass.rules, expiry, pass.secondsLeft);
        }
        (pass.underlying, pass.expiry, pass.begun) = (underlying, expiry, true);
    }

    function _closeExpiry(Pass memory pass) private pure {
        pass.sums.basis += FixedPointMathLib.abs(pass.netBasis);
        pass.sums.vega += FixedPointMathLib.abs(pass.netVega);
        (pass.netBasis, pass.netVega) = (0, 0);
    }

    /* INTERNAL: LEGS */

    /// @dev Settled legs, and those whose expiry was never quoted, have none.
    function _add(Pass memory pass, uint128 instrument, int256 size) private view {
        uint8 kind = instrument.kindOf();
        bool isSpot = kind == InstrumentLib.SPOT;
        uint256 reference_ = isSpot ? pass.spot : pass.forward;
        if (pass.settled || reference_ == 0) return;
        uint256 gross = FixedPointMathLib.abs(size) * pass.spot;
        pass.sums.concentration += gross * _concentrationRate(pass, instrument) / WAD;
        pass.sums.depeg += gross * pass.depegRate / WAD;
        if (!isSpot && !pass.expired) {
            pass.sums.confidence += gross * _confidenceRate(pass.rules, pass.quote.confidence) / WAD;
            _addNetted(pass, instrument, kind, size);
        }
        if (size < 0 && InstrumentLib.isOption(kind)) {
            pass.sums.pin += gross * _pinRate(pass, uint256(instrument.strikeOf()) * 1e10, reference_) / WAD;
        }
    }

    /// @dev Delta and `sqrt(w) phi(d1)` of Black-76; a linear leg has a delta of one and no vega.
    function _addNetted(Pass memory pass, uint128 instrument, uint8 kind, int256 size) private pure {
        int256 delta = int256(WAD);
        if (InstrumentLib.isOption(kind)) {
            int256 k = PricingLib.logMoneyness(pass.forward, uint256(instrument.strikeOf()) * 1e10);
            int256 variance = PricingLib.variancePerYear(pass.quote, k, pass.moving);
            int256 sd = PricingLib.deviation(variance, pass.secondsLeft);
            int256 d1 = sd < PricingLib.MIN_DEVIATION ? (k < 0 ? FAR : -FAR) : PricingLib.firstDeviation(k, sd);
            int256 bell = NormalLib.bell(d1);
            delta = NormalLib.cdf(d1, bell);
            if (kind == InstrumentLib.PUT) delta -= int256(WAD);
            int256 vega = sd * NormalLib.density(bell) / int256(WAD);
            if (vega > int256(WAD)) vega = int256(WAD);
            pass.netVega += size * int256(pass.forward) / int256(WAD) * vega / int256(WAD)
                * int256(uint256(pass.rules.vega));
        }
        int256 moving = int256(pass.forward * pass.moving / WAD);
        pass.netBasis += size * moving / int256(WAD) * delta / int256(WAD) * int256(pass.basisRate);
    }

    /* INTERNAL: RATES */

    /// @dev The half-spread, times the square root of how thin the listing's market is.
    function _concentrationRate(Pass memory pass, uint128 instrument) private view returns (uint256) {
        Rules memory r = pass.rules;
        uint256 halfSpread = pass.secondsLeft > r.liquidityTermSeconds ? r.liquidityFar : r.liquidityNear;
        uint256 openUsd36 = uint256(_clearinghouse.openInterest(instrument)) * pass.lot * pass.spot;
        uint256 thinness = r.concentrationMost;
        if (openUsd36 != 0) {
            uint256 root = FixedPointMathLib.sqrt(
                FixedPointMathLib.fullMulDiv(uint256(r.concentrationDepthUsd) * 1e36, 1e36, openUsd36)
            );
            thinness = FixedPointMathLib.clamp(root, WAD, thinness);
        }
        return halfSpread * thinness / WAD;
    }

    function _basisRate(Rules memory r, uint40 expiry, uint256 secondsLeft) private pure returns (uint256) {
        if (expiry == 0) return r.basisPerpetual;
        uint256 term = secondsLeft < r.basisLongestSeconds ? secondsLeft : r.basisLongestSeconds;
        return uint256(r.basis) * FixedPointMathLib.sqrt(term * 1e36 / YEAR) / WAD;
    }

    function _confidenceRate(Rules memory r, uint256 confidence) private pure returns (uint256) {
        if (confidence > WAD) confidence = WAD;
        return FixedPointMathLib.zeroFloorSub(confidence, r.confidenceThreshold) * r.confidenceFactor / WAD;
    }

    function _depegRate(Rules memory r) private view returns (uint256) {
        (uint64 price, bool configured) = coinPrice();
        if (!configured) return 0;
        return FixedPointMathLib.zeroFloorSub(r.depegThreshold, uint256(price) * 1e10) * r.depegFactor / WAD;
    }

    /// @dev Whole at expiry at the strike; falls in a straight line with time and with distance.
    function _pinRate(Pass memory pass, uint256 strike, uint256 reference_) private pure returns (uint256) {
        Rules memory r = pass.rules;
        uint256 left = FixedPointMathLib.zeroFloorSub(r.pinSeconds, pass.secondsLeft);
        if (left == 0) return 0;
        uint256 width = uint256(r.pinWidth) * reference_ / WAD;
        uint256 near = FixedPointMathLib.zeroFloorSub(width, FixedPointMathLib.dist(strike, reference_));
        if (near == 0) return 0;
        return uint256(r.pin) * left / r.pinSeconds * near / width;
    }
}
