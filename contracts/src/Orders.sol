// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {PositionsLib} from "./libraries/PositionsLib.sol";
import {Order} from "./types/Types.sol";

/// @title Signed orders
/// @notice What owners sign, how two orders match, and how much of each is filled.
abstract contract Orders is IClearinghouse, EIP712 {
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,uint128 instrument,int64 lots,uint64 limitPrice,uint64 salt,uint64 deadline,address executor)"
    );

    /// @inheritdoc IClearinghouse
    mapping(bytes32 digest => int64) public filled;

    constructor() EIP712("Clearinghouse", "1") {}

    /// @inheritdoc IClearinghouse
    function cancel(Order calldata order) external {
        if (address(bytes20(order.account)) != msg.sender) revert NotOwner(msg.sender, order.account);
        bytes32 digest = orderDigest(order);
        filled[digest] = order.lots;
        emit OrderCancelled(order.account, digest);
    }

    /// @inheritdoc IClearinghouse
    function orderDigest(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, order)));
    }

    function _requireMatching(Order calldata maker, Order calldata taker, uint64 lots) internal pure {
        if (lots == 0 || lots > uint64(PositionsLib.MAX_LOTS)) revert InvalidLots(int256(uint256(lots)));
        if (maker.account == taker.account) revert SelfTrade(maker.account);
        if (maker.instrument != taker.instrument || (maker.lots > 0) == (taker.lots > 0)) revert OrdersDoNotMatch();
        bool outside = taker.lots > 0 ? maker.limitPrice > taker.limitPrice : maker.limitPrice < taker.limitPrice;
        if (outside) revert PriceOutsideLimit(maker.limitPrice, taker.limitPrice);
    }

    function _fill(Order calldata order, bytes calldata signature, int64 lots) internal {
        if (order.deadline < block.timestamp) revert OrderExpired(order.deadline, block.timestamp);
        if (order.executor != address(0) && order.executor != msg.sender) {
            revert WrongExecutor(msg.sender, order.executor);
        }
        bytes32 digest = orderDigest(order);
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        address owner_ = address(bytes20(order.account));
        if (recovered != owner_ || recovered == address(0)) revert InvalidOrderSignature(recovered, owner_);
        int256 total = int256(filled[digest]) + lots;
        bool over = order.lots > 0 ? total > order.lots : total < order.lots;
        if (over || order.lots == 0) revert OrderOverfilled(digest, filled[digest], order.lots);
        filled[digest] = int64(total);
    }
}
