// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";

/// @title config/model.toml as the constructor of RiskEngine takes it
/// @notice differential/Model.t.sol holds every number here to tests/vectors/model.json.
library Model {
    function factors() internal pure returns (IRiskEngine.Factors memory) {
        return IRiskEngine.Factors({
            maintenanceBps: 10_000,
            initialBps: 13_000,
            gridBps: 12_500,
            minimumChargeBps: 10,
            minimumChargeStandardBps: 5_000,
            shortOptionMinimumBps: 50,
            floorGrossBps: 10
        });
    }

    function underlyings() internal pure returns (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) {
        ids = new uint16[](2);
        risks = new IRiskEngine.UnderlyingRisk[](2);
        (ids[0], ids[1]) = (1, 2);
        risks[0] = IRiskEngine.UnderlyingRisk({
            lot: 0.001e18,
            scanRange: 0.092e18,
            volUp: 0.3e18,
            volDown: 0.18e18,
            linearRate: 0.15e18,
            optionRate: 0.2e18,
            optionFloor: 0.125e18
        });
        risks[1] = IRiskEngine.UnderlyingRisk({
            lot: 0.001e18,
            scanRange: 0.122e18,
            volUp: 0.25e18,
            volDown: 0.15e18,
            linearRate: 0.2e18,
            optionRate: 0.25e18,
            optionFloor: 0.15e18
        });
    }

    /// @notice Systemic grid 7 x 3, damped tails, then a day later.
    function scenarios() internal pure returns (IRiskEngine.Scenario[] memory rows) {
        rows = new IRiskEngine.Scenario[](32);
        int32[7] memory spots = [int32(-10_000), -6667, -3333, 0, 3333, 6667, 10_000];
        uint256 floor = 1 << 0 | 1 << 3 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 15 | 1 << 17 | 1 << 18 | 1 << 27 | 1 << 28;
        uint256 n;
        for (uint256 i; i < 7; ++i) {
            for (int32 vol = 1; vol >= -1; --vol) {
                rows[n++] = IRiskEngine.Scenario(spots[i], vol * 10_000, 10_000, 0, false);
            }
        }
        int32[4] memory tails = [int32(15_000), 20_000, 30_000, 50_000];
        uint32[4] memory weights = [uint32(5667), 4250, 2833, 1700];
        for (uint256 i; i < 4; ++i) {
            rows[n++] = IRiskEngine.Scenario(-tails[i], 10_000, weights[i], 0, false);
            rows[n++] = IRiskEngine.Scenario(tails[i], 10_000, weights[i], 0, false);
        }
        for (uint256 i = 2; i < 5; ++i) {
            rows[n++] = IRiskEngine.Scenario(spots[i], 0, 10_000, 86_400, false);
        }
        for (uint256 s; s < n; ++s) {
            rows[s].inFloor = floor >> s & 1 == 1;
        }
    }
}
