// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @title Rounds of a price feed of Chainlink's shape
/// @notice Reads never revert, whatever stands at the address; proofs by round id do. Prices are 1e-8 USD.
library RoundsLib {
    uint8 internal constant DECIMALS = 8;
    /// @dev An answer above is as unusable as none: marks (at most twice the spot) fit 64 bits, daily prices 60.
    uint256 internal constant MAX_PRICE = 2 ** 60 - 1;
    uint256 internal constant MAX_BAD_ROUNDS = 16;
    uint256 internal constant MAX_ROUNDS = 512;

    /// @param scale what an answer is multiplied by to have 8 decimals
    /// @param maxAge seconds for which a round counts as fresh: the heartbeat and a margin
    struct Feed {
        address aggregator;
        uint32 maxAge;
        uint32 scale;
    }

    /// @notice `price` 0 where the answer is unusable, `time` 0 where there is no such round.
    struct Round {
        uint80 id;
        uint64 price;
        uint256 time;
    }

    error WrongDecimals(address aggregator, uint8 decimals, uint8 most);
    error UnusableRound(uint80 roundId);
    error NotRoundInForce(uint80 roundId, uint256 updatedAt, uint256 nextUpdatedAt, uint256 time);
    error StaleRound(uint80 roundId, uint256 updatedAt, uint256 until, uint256 maxAge);
    error RoundsOutOfOrder(uint80 roundId, uint256 updatedAt, uint256 nextUpdatedAt);
    error NoRoundYet(uint80 roundId, uint256 time);
    error TooFewRounds(uint256 rounds, uint256 least);
    error TooManyRounds(uint256 most);

    /// @notice More than 8 decimals are refused: they could not be kept exactly.
    function connect(address aggregator, uint32 maxAge) internal view returns (Feed memory) {
        uint8 decimals = IAggregatorV3(aggregator).decimals();
        if (decimals > DECIMALS) revert WrongDecimals(aggregator, decimals, DECIMALS);
        return Feed(aggregator, maxAge, uint32(10 ** (DECIMALS - decimals)));
    }

    /// @notice The newest price; zero when the aggregator reverts or answers nothing usable.
    function latest(Feed memory feed) internal view returns (uint64 price, uint64 updatedAt) {
        Round memory round = _read(feed, abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (round.price == 0 || round.time == 0 || round.time > block.timestamp) return (0, 0);
        return (round.price, uint64(round.time));
    }

    /// @notice The price of the last good round at or before `time`, which the next good one must prove; it must be fresh then.
    function priceAt(Feed memory feed, uint80 roundId, uint256 time) internal view returns (uint64) {
        (Round memory round,) = _inForce(feed, roundId, time);
        if (time - round.time > feed.maxAge) revert StaleRound(roundId, round.time, time, feed.maxAge);
        return round.price;
    }

    /// @notice The average over [from, to), each good round weighted by its lifetime inside, rounded down.
    /// @param firstRound the round in force at `from`; the others are found from it
    /// @param least rounds that must have a weight
    function averageOver(Feed memory feed, uint80 firstRound, uint256 from, uint256 to, uint256 least)
        internal
        view
        returns (uint64)
    {
        (Round memory round, Round memory next) = _inForce(feed, firstRound, from);
        uint256 sum;
        uint256 rounds = 1;
        uint256 begin = from;
        while (true) {
            if (next.time - round.time > feed.maxAge) {
                revert StaleRound(round.id, round.time, next.time, feed.maxAge);
            }
            uint256 end = next.time < to ? next.time : to;
            sum += uint256(round.price) * (end - begin);
            if (next.time >= to) break;
            begin = end;
            round = next;
            next = _next(feed, round.id);
            if (next.time == 0) revert NoRoundYet(round.id, to);
            if (next.time < round.time) revert RoundsOutOfOrder(round.id, round.time, next.time);
            if (next.time != round.time) ++rounds;
            if (rounds > MAX_ROUNDS) revert TooManyRounds(MAX_ROUNDS);
        }
        if (rounds < least) revert TooFewRounds(rounds, least);
        return uint64(sum / (to - from));
    }

    /// @notice The sum of price times seconds over [from, to), of the good rounds in force, from the newest backwards.
    /// @param to not after the present, so that no round to come can change it
    /// @return known whether it could be formed: total, since marks hang on it
    function sumOver(Feed memory feed, uint256 from, uint256 to) internal view returns (bool known, uint256 sum) {
        Round memory round = _read(feed, abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        for (uint256 i; i < MAX_ROUNDS; ++i) {
            if (round.price != 0 && round.time != 0 && round.time < to) {
                uint256 begin = round.time > from ? round.time : from;
                sum += uint256(round.price) * (to - begin);
                if (round.time <= from) return (true, sum);
                to = begin;
            }
            // The first of an aggregator: what it replaced had other rounds.
            if (uint64(round.id) < 2) break;
            round = _round(feed, round.id - 1);
        }
        return (false, 0);
    }

    function _inForce(Feed memory feed, uint80 roundId, uint256 time)
        private
        view
        returns (Round memory round, Round memory next)
    {
        round = _round(feed, roundId);
        next = _next(feed, roundId);
        if (round.time == 0 || round.time > time || next.time <= time) {
            revert NotRoundInForce(roundId, round.time, next.time, time);
        }
        if (round.price == 0) revert UnusableRound(roundId);
    }

    /// @dev The next round with a usable answer, with time 0 when there is none yet. A proxy numbers rounds `phase << 64 | n`.
    function _next(Feed memory feed, uint80 roundId) private view returns (Round memory round) {
        for (uint256 i; i < MAX_BAD_ROUNDS; ++i) {
            if (roundId == type(uint80).max) break;
            round = _round(feed, ++roundId);
            if (round.time == 0) {
                roundId = uint80(((uint256(roundId) >> 64) + 1) << 64) | 1;
                round = _round(feed, roundId);
            }
            if (round.time == 0 || round.price != 0) return round;
        }
        return Round(roundId, 0, 0);
    }

    function _round(Feed memory feed, uint80 roundId) private view returns (Round memory round) {
        round = _read(feed, abi.encodeCall(IAggregatorV3.getRoundData, (roundId)));
        round.id = roundId;
    }

    /// @dev A low-level call, because `try` does not catch an answer that cannot be decoded, and valuation must not stop for it.
    function _read(Feed memory feed, bytes memory request) private view returns (Round memory round) {
        (bool ok, bytes memory data) = feed.aggregator.staticcall(request);
        if (!ok || data.length < 160) return round;
        (uint256 id, int256 answer,, uint256 updatedAt,) =
            abi.decode(data, (uint256, int256, uint256, uint256, uint256));
        (round.id, round.time) = (uint80(id), updatedAt);
        if (answer > 0 && uint256(answer) <= MAX_PRICE / feed.scale) {
            round.price = uint64(uint256(answer) * feed.scale);
        }
    }
}
