// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";

/// @title Part of a clearinghouse
/// @notice Made by the clearinghouse; whoever owns that, owns this, so there is one owner to hand over.
abstract contract OwnedByHouse {
    IClearinghouse public immutable clearinghouse = IClearinghouse(msg.sender);

    modifier onlyOwner() {
        address owner = Ownable(address(clearinghouse)).owner();
        if (msg.sender != owner) revert Ownable.OwnableUnauthorizedAccount(msg.sender);
        _;
    }
}
