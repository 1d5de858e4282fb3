// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInitialAddOns} from "../../src/interfaces/IInitialAddOns.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {ScanLib} from "../../src/libraries/ScanLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";

/// @title config/model.toml as the contracts take it
/// @notice Written by scripts/generate_model_solidity.py; do not edit.
library Model {
    uint256 internal constant SCENARIOS = 48;

    function factors() internal pure returns (IRiskEngine.Factors memory) {
        return IRiskEngine.Factors({
            maintenanceBps: 10000,
            initialBps: 13000,
            gridBps: 12500,
            minimumChargeBps: 10,
            minimumChargeStandardBps: 5000,
            shortOptionMinimumBps: 50,
            floorGrossBps: 10
        });
    }

    function underlyings() internal pure returns (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) {
        ids = new uint16[](2);
        risks = new IRiskEngine.UnderlyingRisk[](2);
        ids[0] = 1;
        risks[0] = IRiskEngine.UnderlyingRisk({
            lot: 1000000000000000,
            scanRange: 92000000000000000,
            volUp: 300000000000000000,
            volDown: 180000000000000000,
            linearRate: 150000000000000000,
            optionRate: 200000000000000000,
            optionFloor: 125000000000000000
        });
        ids[1] = 2;
        risks[1] = IRiskEngine.UnderlyingRisk({
            lot: 1000000000000000,
            scanRange: 122000000000000000,
            volUp: 250000000000000000,
            volDown: 150000000000000000,
            linearRate: 200000000000000000,
            optionRate: 250000000000000000,
            optionFloor: 150000000000000000
        });
    }

    function scanRule() internal pure returns (ScanLib.Rule memory) {
        return ScanLib.Rule({
            kappa: 2600000000000000000,
            decay: 977159968434245955,
            stressWeight: 250000000000000000,
            winsor: 500000000000000000,
            cap: 400000000000000000,
            rise: 1150000000000000000,
            fall: 950000000000000000
        });
    }

    function sigmas() internal pure returns (ScanLib.Sigmas[] memory rows) {
        rows = new ScanLib.Sigmas[](2);
        rows[0] = ScanLib.Sigmas({floor: 400000000000000000, stress: 900000000000000000});
        rows[1] = ScanLib.Sigmas({floor: 550000000000000000, stress: 1150000000000000000});
    }

    function limits() internal pure returns (SpeedLib.Limits[] memory rows) {
        rows = new SpeedLib.Limits[](2);
        rows[0] = SpeedLib.Limits({
            volUp: 300000000000000000,
            volDown: 180000000000000000,
            volMost: 1200000000000000000,
            ratio: 92000000000000000
        });
        rows[1] = SpeedLib.Limits({
            volUp: 250000000000000000,
            volDown: 150000000000000000,
            volMost: 1200000000000000000,
            ratio: 122000000000000000
        });
    }

    function addOnRules() internal pure returns (IInitialAddOns.Rules memory) {
        return IInitialAddOns.Rules({
            liquidityNear: 500000000000000,
            liquidityFar: 750000000000000,
            liquidityTermSeconds: 3024000,
            concentrationDepthUsd: 1000000,
            concentrationMost: 2000000000000000000,
            basis: 10000000000000000,
            basisLongestSeconds: 31536000,
            basisPerpetual: 1000000000000000,
            vega: 10000000000000000,
            confidenceThreshold: 2000000000000000,
            confidenceFactor: 1000000000000000000,
            depegThreshold: 990000000000000000,
            depegFactor: 200000000000000000,
            pin: 5000000000000000,
            pinWidth: 20000000000000000,
            pinSeconds: 86400
        });
    }

    function scenarios() internal pure returns (IRiskEngine.Scenario[] memory rows) {
        rows = new IRiskEngine.Scenario[](SCENARIOS);
        // decay spot +1 vol down
        rows[0] = IRiskEngine.Scenario(10000, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot +1 vol up
        rows[1] = IRiskEngine.Scenario(10000, 0, 10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot +1/24 vol down
        rows[2] = IRiskEngine.Scenario(417, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot +1/3 vol down
        rows[3] = IRiskEngine.Scenario(3333, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, true);
        // decay spot -1 vol down
        rows[4] = IRiskEngine.Scenario(-10000, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot -1 vol up
        rows[5] = IRiskEngine.Scenario(-10000, 0, 10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot -1/24 vol down
        rows[6] = IRiskEngine.Scenario(-417, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, false);
        // decay spot -1/3 vol down
        rows[7] = IRiskEngine.Scenario(-3333, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, true);
        // decay spot 0 vol down
        rows[8] = IRiskEngine.Scenario(0, 0, -10000, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, false, true);
        // dispersion BTC spot down ETH less
        rows[9] = IRiskEngine.Scenario(-9239, -3734, -10000, -10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC spot down ETH more
        rows[10] = IRiskEngine.Scenario(-3827, -9277, -10000, -10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC spot down ETH up
        rows[11] = IRiskEngine.Scenario(-3873, 3873, 10000, 10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC spot up ETH down
        rows[12] = IRiskEngine.Scenario(3873, -3873, 10000, 10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC spot up ETH less
        rows[13] = IRiskEngine.Scenario(9239, 3734, -10000, -10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC spot up ETH more
        rows[14] = IRiskEngine.Scenario(3827, 9277, -10000, -10000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC vol up ETH down
        rows[15] = IRiskEngine.Scenario(0, 0, 5000, -8333, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion BTC vol up ETH less
        rows[16] = IRiskEngine.Scenario(0, 0, 10000, 4000, 0, 0, 0, 0, 0, 10000, 0, 1, false, false);
        // dispersion ETH vol up BTC down
        rows[17] = IRiskEngine.Scenario(0, 0, 5000, -8333, 0, 0, 0, 0, 0, 10000, 0, 2, false, false);
        // dispersion ETH vol up BTC less
        rows[18] = IRiskEngine.Scenario(0, 0, 10000, 4000, 0, 0, 0, 0, 0, 10000, 0, 2, false, false);
        // flat down spot +1
        rows[19] = IRiskEngine.Scenario(10000, 0, 0, 0, -6000, 0, 0, 0, 0, 10000, 0, 0, false, true);
        // flat down spot -1
        rows[20] = IRiskEngine.Scenario(-10000, 0, 0, 0, -6000, 0, 0, 0, 0, 10000, 0, 0, false, true);
        // flat up spot +1
        rows[21] = IRiskEngine.Scenario(10000, 0, 0, 0, 6000, 0, 0, 0, 0, 10000, 0, 0, false, false);
        // flat up spot -1
        rows[22] = IRiskEngine.Scenario(-10000, 0, 0, 0, 6000, 0, 0, 0, 0, 10000, 0, 0, false, false);
        // flat up spot 0
        rows[23] = IRiskEngine.Scenario(0, 0, 0, 0, 6000, 0, 0, 0, 0, 10000, 0, 0, false, true);
        // front down a day later
        rows[24] = IRiskEngine.Scenario(0, 0, 0, 0, 0, -6000, 0, 0, 0, 10000, 86400, 0, false, false);
        // front up
        rows[25] = IRiskEngine.Scenario(0, 0, 0, 0, 0, 6000, 0, 0, 0, 10000, 0, 0, false, false);
        // roll spot +1
        rows[26] = IRiskEngine.Scenario(10000, 0, 0, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, true, false);
        // roll spot -1
        rows[27] = IRiskEngine.Scenario(-10000, 0, 0, 0, 0, 0, 0, 0, 0, 10000, 86400, 0, true, false);
        // single BTC spot down vol down
        rows[28] = IRiskEngine.Scenario(-7141, 0, -10000, -10000, 0, 0, 0, 0, 0, 10000, 86400, 1, false, false);
        // single BTC spot up vol down
        rows[29] = IRiskEngine.Scenario(7141, 0, -10000, -10000, 0, 0, 0, 0, 0, 10000, 86400, 1, false, false);
        // single ETH spot down vol down
        rows[30] = IRiskEngine.Scenario(-7141, 0, -10000, -10000, 0, 0, 0, 0, 0, 10000, 86400, 2, false, false);
        // single ETH spot down vol up
        rows[31] = IRiskEngine.Scenario(-7141, 0, 10000, 10000, 0, 0, 0, 0, 0, 10000, 0, 2, false, false);
        // single ETH spot up vol down
        rows[32] = IRiskEngine.Scenario(7141, 0, -10000, -10000, 0, 0, 0, 0, 0, 10000, 86400, 2, false, false);
        // single ETH spot up vol up
        rows[33] = IRiskEngine.Scenario(7141, 0, 10000, 10000, 0, 0, 0, 0, 0, 10000, 0, 2, false, false);
        // skew calls up
        rows[34] = IRiskEngine.Scenario(0, 0, 0, 0, 0, 0, 0, 450, 0, 10000, 0, 0, false, false);
        // skew puts up
        rows[35] = IRiskEngine.Scenario(0, 0, 0, 0, 0, 0, 0, -450, 0, 10000, 0, 0, false, false);
        // systemic spot +1 vol up
        rows[36] = IRiskEngine.Scenario(10000, 0, 10000, 0, 0, 0, 0, 0, 0, 10000, 0, 0, false, true);
        // systemic spot -1 vol up
        rows[37] = IRiskEngine.Scenario(-10000, 0, 10000, 0, 0, 0, 0, 0, 0, 10000, 0, 0, false, true);
        // tail spot +5 vol up
        rows[38] = IRiskEngine.Scenario(50000, 0, 10000, 0, 0, 0, 0, 0, 0, 1700, 0, 0, false, true);
        // tail spot -5 vol up
        rows[39] = IRiskEngine.Scenario(-50000, 0, 10000, 0, 0, 0, 0, 0, 0, 1700, 0, 0, false, true);
        // twist near down spot +1/3
        rows[40] = IRiskEngine.Scenario(3333, 0, 0, 0, 0, 0, -2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near down spot +2/3
        rows[41] = IRiskEngine.Scenario(6667, 0, 0, 0, 0, 0, -2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near down spot -1/3
        rows[42] = IRiskEngine.Scenario(-3333, 0, 0, 0, 0, 0, -2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near down spot -2/3
        rows[43] = IRiskEngine.Scenario(-6667, 0, 0, 0, 0, 0, -2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near down spot 0
        rows[44] = IRiskEngine.Scenario(0, 0, 0, 0, 0, 0, -2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near up spot +2/3
        rows[45] = IRiskEngine.Scenario(6667, 0, 0, 0, 0, 0, 2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near up spot -2/3
        rows[46] = IRiskEngine.Scenario(-6667, 0, 0, 0, 0, 0, 2000, 0, 0, 10000, 86400, 0, false, false);
        // twist near up spot 0
        rows[47] = IRiskEngine.Scenario(0, 0, 0, 0, 0, 0, 2000, 0, 0, 10000, 86400, 0, false, false);
    }

    /// @notice Where a scenario stands; tests name theirs, so that a new row moves none.
    function indexOf(string memory name) internal pure returns (uint8) {
        bytes32 hash = keccak256(bytes(name));
        if (hash == keccak256("decay spot +1 vol down")) return 0;
        if (hash == keccak256("decay spot +1 vol up")) return 1;
        if (hash == keccak256("decay spot +1/24 vol down")) return 2;
        if (hash == keccak256("decay spot +1/3 vol down")) return 3;
        if (hash == keccak256("decay spot -1 vol down")) return 4;
        if (hash == keccak256("decay spot -1 vol up")) return 5;
        if (hash == keccak256("decay spot -1/24 vol down")) return 6;
        if (hash == keccak256("decay spot -1/3 vol down")) return 7;
        if (hash == keccak256("decay spot 0 vol down")) return 8;
        if (hash == keccak256("dispersion BTC spot down ETH less")) return 9;
        if (hash == keccak256("dispersion BTC spot down ETH more")) return 10;
        if (hash == keccak256("dispersion BTC spot down ETH up")) return 11;
        if (hash == keccak256("dispersion BTC spot up ETH down")) return 12;
        if (hash == keccak256("dispersion BTC spot up ETH less")) return 13;
        if (hash == keccak256("dispersion BTC spot up ETH more")) return 14;
        if (hash == keccak256("dispersion BTC vol up ETH down")) return 15;
        if (hash == keccak256("dispersion BTC vol up ETH less")) return 16;
        if (hash == keccak256("dispersion ETH vol up BTC down")) return 17;
        if (hash == keccak256("dispersion ETH vol up BTC less")) return 18;
        if (hash == keccak256("flat down spot +1")) return 19;
        if (hash == keccak256("flat down spot -1")) return 20;
        if (hash == keccak256("flat up spot +1")) return 21;
        if (hash == keccak256("flat up spot -1")) return 22;
        if (hash == keccak256("flat up spot 0")) return 23;
        if (hash == keccak256("front down a day later")) return 24;
        if (hash == keccak256("front up")) return 25;
        if (hash == keccak256("roll spot +1")) return 26;
        if (hash == keccak256("roll spot -1")) return 27;
        if (hash == keccak256("single BTC spot down vol down")) return 28;
        if (hash == keccak256("single BTC spot up vol down")) return 29;
        if (hash == keccak256("single ETH spot down vol down")) return 30;
        if (hash == keccak256("single ETH spot down vol up")) return 31;
        if (hash == keccak256("single ETH spot up vol down")) return 32;
        if (hash == keccak256("single ETH spot up vol up")) return 33;
        if (hash == keccak256("skew calls up")) return 34;
        if (hash == keccak256("skew puts up")) return 35;
        if (hash == keccak256("systemic spot +1 vol up")) return 36;
        if (hash == keccak256("systemic spot -1 vol up")) return 37;
        if (hash == keccak256("tail spot +5 vol up")) return 38;
        if (hash == keccak256("tail spot -5 vol up")) return 39;
        if (hash == keccak256("twist near down spot +1/3")) return 40;
        if (hash == keccak256("twist near down spot +2/3")) return 41;
        if (hash == keccak256("twist near down spot -1/3")) return 42;
        if (hash == keccak256("twist near down spot -2/3")) return 43;
        if (hash == keccak256("twist near down spot 0")) return 44;
        if (hash == keccak256("twist near up spot +2/3")) return 45;
        if (hash == keccak256("twist near up spot -2/3")) return 46;
        if (hash == keccak256("twist near up spot 0")) return 47;
        revert(name);
    }
}
