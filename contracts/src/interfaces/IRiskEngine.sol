// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../types/Types.sol";

/// @title Risk engine
/// @notice Pure views that re-price a book from MarketFeeds: equity, standard margin, the loss in named scenarios.
/// One pricing function and one scenario table serve flagging, the grid and the floor alike. Formulas: docs/model.md.
interface IRiskEngine {
    /// @notice Risk parameters of one underlying, all wad (1e-18).
    struct UnderlyingRisk {
        uint64 lot;
        uint64 scanRange;
        uint64 volUp;
        uint64 volDown;
        uint64 linearRate;
        uint64 optionRate;
        uint64 optionFloor;
    }

    /// @notice One row of the scenario table, one slot. docs/model.md gives each member its formula.
    /// @param spotBps share of the scan range by which prices move
    /// @param othersSpotBps the same for underlyings out of focus
    /// @param volBps share of volUp or volDown by which ln vol moves, with the square root of 30 days over the term
    /// @param othersVolBps the same for underlyings out of focus
    /// @param flatBps share of volUp or volDown that fades slowly with the term
    /// @param frontBps shift of ln vol below five days
    /// @param twistBps shift of ln vol that parts near terms from far ones
    /// @param skewBps shift of ln vol a standard deviation of the strike
    /// @param curvatureBps the same by its size
    /// @param weightBps share of the result that counts
    /// @param clockSeconds how much later it is
    /// @param focus the underlying that spotBps and volBps are for; 0 is all
    /// @param rolls whether legs that expire within a day stand still
    /// @param inFloor whether the scenario bounds an attested margin from below
    struct Scenario {
        int24 spotBps;
        int24 othersSpotBps;
        int24 volBps;
        int24 othersVolBps;
        int16 flatBps;
        int16 frontBps;
        int16 twistBps;
        int16 skewBps;
        int16 curvatureBps;
        uint16 weightBps;
        uint24 clockSeconds;
        uint16 focus;
        bool rolls;
        bool inFloor;
    }

    /// @notice Factors in basis points.
    struct Factors {
        uint32 maintenanceBps;
        uint32 initialBps;
        uint32 gridBps;
        uint32 minimumChargeBps;
        uint32 minimumChargeStandardBps;
        uint32 shortOptionMinimumBps;
        uint32 floorGrossBps;
    }

    /// @notice What one pass over a book yields. All amounts are micro-dollars.
    /// @param value marked value of the legs, rounded down (without cash, without entry cost of linear legs)
    /// @param exitValue value that may leave as cash: linear legs, SPOT after its haircut, options only where negative
    /// @param gross gross notional
    /// @param addOns linear add-ons
    /// @param minimumCharge the least that maintenance asks beside add-ons: of each leg a share of gross, or of its standard margin where that is less
    /// @param standard standard margin at maintenance level, add-ons included
    /// @param standardInitial standard margin at initial level, add-ons included
    /// @param worstLoss largest loss over the scenarios asked for, at least 0, rounded up
    /// @param worstScenario the lowest index that attains it
    /// @param staleInstrument a leg whose market is stale, missing or expired; 0 when there is none
    struct Assessment {
        int256 value;
        int256 exitValue;
        uint256 gross;
        uint256 addOns;
        uint256 minimumCharge;
        uint256 standard;
        uint256 standardInitial;
        uint256 worstLoss;
        uint8 worstScenario;
        uint128 staleInstrument;
    }

    event AddOnsConnected(address addOns);

    error UnknownUnderlying(uint16 underlying);
    error NotDeployer(address caller);
    error AlreadyConnected(address addOns);
    error UnknownScenario(uint256 scenario, uint256 count);
    error UnknownWorld(uint256 world, uint256 count);
    error TooManyScenarios(uint256 count, uint256 maximum);
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Re-prices `legs` now and in every scenario whose bit is set in `scenarioMask`, at the marks of one world.
    /// @dev Total: never reverts for listed instruments, whatever the age of their marks.
    /// @param world 0 is that of the confirmed marks; in 1 each underlying has its pending marks, where there are any
    function assess(Leg[] calldata legs, uint256 scenarioMask, uint256 world) external view returns (Assessment memory);

    /// @notice {assess} in each world, the confirmed one first.
    function assessInAllWorlds(Leg[] calldata legs, uint256 scenarioMask) external view returns (Assessment[] memory);

    /// @notice How many worlds of marks the legs' underlyings have: a flag must succeed in each, new risk and withdrawals pass in each.
    function worldCount(Leg[] calldata legs) external view returns (uint256);

    /// @notice What equity must cover for a book not to be liquidated, given the worst loss of the scenarios assessed.
    /// @dev min(SM, max(factor * loss, minimum charge) + add-ons): at most SM whatever the scenario.
    function maintenanceMargin(Assessment memory assessment) external view returns (uint256);

    /// @notice Initial factor on the worst loss assessed, plus add-ons: the level at which a liquidation ends.
    function initialMargin(Assessment memory assessment) external view returns (uint256);

    /// @notice IM without a leaf, from a full-grid assessment and {initialAddOns} of the same world, before the minimum with SM_im.
    function gridInitialMargin(Assessment memory assessment, uint256 ofInitial) external view returns (uint256);

    /// @notice The add-ons of the initial margin: concentration, basis, vega, confidence, depeg and pin, in micro-dollars.
    function initialAddOns(Leg[] calldata legs, uint256 world) external view returns (uint256);

    /// @notice The InitialAddOns that computes them; it reads open interest, so it is younger than the Clearinghouse.
    function addOns() external view returns (address);

    /// @notice Names it, once and for good; the deployer's to do.
    function connectAddOns(address addOns_) external;

    /// @notice The floor under an attested IM, from an assessment of the floor scenarios, before the minimum with SM_im.
    function floorInitialMargin(Assessment memory assessment) external view returns (uint256);

    /// @notice Mark of one instrument in 1e-8 USD, rounded to nearest.
    function markOf(uint128 instrument) external view returns (uint64);

    /// @notice What a buyer of each of these lots is booked with at the confirmed marks, a perpetual at its mark less the funding
    /// index: micro-dollars, rounded towards zero, negative where lots are. Cheaper than each mark alone where legs are sorted.
    function notionalsOf(Leg[] calldata legs) external view returns (int256[] memory);

    /// @notice The MarketFeeds that prices come from.
    function feeds() external view returns (address);

    /// @notice Size of a lot of the underlying, wad.
    function lotOf(uint16 underlying) external view returns (uint64);

    /// @notice Bit mask of every scenario in the table.
    function gridMask() external view returns (uint256);

    /// @notice Bit mask of the scenarios that the floor uses.
    function floorMask() external view returns (uint256);

    function factors() external view returns (Factors memory);

    function underlyingRisk(uint16 underlying) external view returns (UnderlyingRisk memory);

    /// @notice The scan range in force, wad: that of the daily prices in SpotFeeds, or the model's while those are too few.
    function scanRangeOf(uint16 underlying) external view returns (uint64);

    function scenario(uint256 index) external view returns (Scenario memory);

    function scenarioCount() external view returns (uint256);

    /// @notice Hash of the model file that this table was made from.
    function modelHash() external view returns (bytes32);
}
