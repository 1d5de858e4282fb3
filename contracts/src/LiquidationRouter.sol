// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "./interfaces/ILiquidationAuction.sol";
import {ILiquidationCallback, ILiquidationRouter} from "./interfaces/ILiquidationRouter.sol";

/// @title Liquidation router
/// @notice See {ILiquidationRouter}, which documents every entry point and error.
contract LiquidationRouter is ILiquidationRouter {
    ILiquidationAuction public immutable auction;
    address public immutable feeds;
    address public immutable oracle;

    constructor(address auction_, address feeds_, address oracle_) {
        auction = ILiquidationAuction(auction_);
        feeds = feeds_;
        oracle = oracle_;
    }

    /// @inheritdoc ILiquidationRouter
    function liquidate(
        bytes32 account,
        uint8 scenario,
        address[] calldata targets,
        bytes[] calldata submissions,
        BidOrder calldata order,
        bool callBack,
        bytes calldata data
    ) external returns (uint256 sold) {
        if (address(bytes20(order.buyer)) != msg.sender) revert NotOwner(msg.sender, order.buyer);
        for (uint256 i; i < targets.length; ++i) {
            _submit(targets[i], submissions[i]);
        }
        if (auction.auction(account).startedAt == 0) auction.flag(account, scenario);
        if (callBack) ILiquidationCallback(msg.sender).onFlagged(account, order.buyer, data);
        if (order.fraction == 0) return 0;
        return auction.bid(account, order.buyer, order.fraction, order.minCashToBuyer, order.deadline);
    }

    function _submit(address target, bytes calldata submission) private {
        if (target != feeds && target != oracle) revert UnknownTarget(target);
        (bool done,) = target.call(submission);
        done;
    }
}
