// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";

/// @title Part of a clearinghouse
/// @notice Whoever owns the clearinghouse, owns this, so there is one owner to hand over.
abstract contract OwnedByHouse {
    IClearinghouse public immutable clearinghouse;

    modifier onlyOwner() {
        address owner = Ownable(address(clearinghouse)).owner();
        if (msg.sender != owner) revert Ownable.OwnableUnauthorizedAccount(msg.sender);
        _;
    }

    constructor(address clearinghouse_) {
        clearinghouse = IClearinghouse(clearinghouse_);
    }
}
