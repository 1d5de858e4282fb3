// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @title Price feed of Chainlink's shape for local chains: whoever deploys it posts rounds.
contract PriceFeedMock is IAggregatorV3 {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    error NotPoster(address caller);
    error NoRound(uint80 roundId);

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    address public immutable poster;
    /// @inheritdoc IAggregatorV3
    uint8 public immutable decimals;
    /// @inheritdoc IAggregatorV3
    string public description;

    Round[] private _rounds;

    constructor(uint8 decimals_, string memory description_) {
        poster = msg.sender;
        decimals = decimals_;
        description = description_;
    }

    function post(int256 answer) external {
        postAt(answer, block.timestamp);
    }

    /// @notice Posts a round of the past, so that a local chain can begin with a history.
    function postAt(int256 answer, uint256 updatedAt) public {
        if (msg.sender != poster) revert NotPoster(msg.sender);
        _rounds.push(Round(answer, updatedAt));
        emit AnswerUpdated(answer, _rounds.length, updatedAt);
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(_rounds.length));
    }

    /// @inheritdoc IAggregatorV3
    function getRoundData(uint80 roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId == 0 || roundId > _rounds.length) revert NoRound(roundId);
        Round memory round = _rounds[roundId - 1];
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }
}
