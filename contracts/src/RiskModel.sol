// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRiskEngine} from "./interfaces/IRiskEngine.sol";

/// @title Risk model
/// @notice Factors, parameters of underlyings and the scenario table: checked when deployed, and never changed after.
abstract contract RiskModel is IRiskEngine {
    uint256 internal constant MAX_SCENARIOS = 48;

    /// @inheritdoc IRiskEngine
    bytes32 public immutable modelHash;
    /// @inheritdoc IRiskEngine
    uint256 public immutable gridMask;
    /// @inheritdoc IRiskEngine
    uint256 public immutable floorMask;

    /// @inheritdoc IRiskEngine
    address public addOns;
    address private immutable _deployer;

    Factors internal _factors;
    Scenario[] internal _scenarios;
    mapping(uint16 underlying => UnderlyingRisk) internal _risks;

    constructor(
        bytes32 modelHash_,
        Factors memory factors_,
        uint16[] memory underlyings,
        UnderlyingRisk[] memory risks,
        Scenario[] memory scenarios
    ) {
        if (scenarios.length == 0 || scenarios.length > MAX_SCENARIOS) {
            revert TooManyScenarios(scenarios.length, MAX_SCENARIOS);
        }
        if (modelHash_ == 0) revert InvalidParameter("modelHash", 0);
        if (factors_.maintenanceBps == 0) revert InvalidParameter("maintenanceBps", 0);
        if (factors_.initialBps < factors_.maintenanceBps) revert InvalidParameter("initialBps", factors_.initialBps);
        if (factors_.gridBps < 10_000) revert InvalidParameter("gridBps", factors_.gridBps);
        if (underlyings.length == 0 || underlyings.length != risks.length) {
            revert InvalidParameter("underlyings", underlyings.length);
        }
        _deployer = msg.sender;
        modelHash = modelHash_;
        _factors = factors_;
        for (uint256 i; i < underlyings.length; ++i) {
            UnderlyingRisk memory r = risks[i];
            if (r.lot == 0 || r.lot > 1e18) revert InvalidParameter("lot", r.lot);
            if (r.scanRange == 0 || r.linearRate == 0 || r.optionRate == 0 || r.optionFloor == 0) {
                revert InvalidParameter("risk", underlyings[i]);
            }
            _risks[underlyings[i]] = r;
        }
        uint256 floor;
        for (uint256 s; s < scenarios.length; ++s) {
            if (scenarios[s].weightBps == 0 || scenarios[s].weightBps > 10_000) {
                revert InvalidParameter("weightBps", s);
            }
            _scenarios.push(scenarios[s]);
            if (scenarios[s].inFloor) floor |= 1 << s;
        }
        gridMask = (1 << scenarios.length) - 1;
        floorMask = floor;
    }

    /* CONNECTION */

    /// @inheritdoc IRiskEngine
    function connectAddOns(address addOns_) external {
        if (msg.sender != _deployer) revert NotDeployer(msg.sender);
        if (addOns != address(0)) revert AlreadyConnected(addOns);
        addOns = addOns_;
        emit AddOnsConnected(addOns_);
    }

    /* VIEWS */

    /// @inheritdoc IRiskEngine
    function lotOf(uint16 underlying) external view returns (uint64) {
        return _risks[underlying].lot;
    }

    /// @inheritdoc IRiskEngine
    function factors() external view returns (Factors memory) {
        return _factors;
    }

    /// @inheritdoc IRiskEngine
    function underlyingRisk(uint16 underlying) external view returns (UnderlyingRisk memory) {
        return _risks[underlying];
    }

    /// @inheritdoc IRiskEngine
    function scenario(uint256 index) external view returns (Scenario memory) {
        if (index >= _scenarios.length) revert UnknownScenario(index, _scenarios.length);
        return _scenarios[index];
    }

    /// @inheritdoc IRiskEngine
    function scenarioCount() external view returns (uint256) {
        return _scenarios.length;
    }
}
