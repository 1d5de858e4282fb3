// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Listings
/// @notice What may be traded, and which token stands for a SPOT position. The clearinghouse creates it and asks it.
interface IListings {
    /// @notice None, then Open; CloseOnly where the owner said so; Expired when its time has come; None again once nobody holds it.
    enum Stage {
        None,
        Open,
        CloseOnly,
        Expired
    }

    event InstrumentListed(uint128 indexed instrument);
    event InstrumentCloseOnly(uint128 indexed instrument);
    event InstrumentDelisted(uint128 indexed instrument);
    event OpenInterestCapChanged(uint16 indexed underlying, uint64 before, uint64 present);
    event SpotTokenSet(uint16 indexed underlying, address indexed token);

    error NotListed(uint128 instrument);
    error AlreadyListed(uint128 instrument);
    error InvalidInstrument(uint128 instrument);
    error InstrumentExpired(uint128 instrument);
    error StaleSpot(uint16 underlying);
    error IsCloseOnly(uint128 instrument);
    error StillOpen(uint128 instrument);
    error StillHeld(uint128 instrument);
    error PriceOutsideBand(uint64 price, uint64 mark);
    error SpotTokenExists(uint16 underlying, address token);
    error NoSpotToken(uint16 underlying);
    error TokenAmountNotWhole(uint64 lots, uint8 decimals);

    /// @notice Lists instruments whose expiry the feeds know. Only the owner.
    function list(uint128[] calldata instruments) external;

    /// @notice From now on trades only make legs of these smaller; liquidation and settlement go on. For good: an instrument comes back
    /// by being delisted and listed anew. Only the owner.
    function setCloseOnly(uint128[] calldata instruments) external;

    /// @notice Removes an instrument that expired or is close-only, once no account has a leg of it. Anybody may call.
    function delist(uint128 instrument) external;

    /// @notice How many lots of an underlying may be open, and how many of its SPOT tokens be held; 0 where none may be added. Only
    /// the owner.
    function setOpenInterestCap(uint16 underlying, uint64 lots) external;

    /// @notice Allows whole lots of `token` as SPOT positions of an underlying, once and for good. Only the owner.
    function setSpotToken(uint16 underlying, address token) external;

    /// @notice Reverts unless the instrument is listed, unexpired and not SPOT, which is deposited instead, and the price in the band
    /// around its mark: the wider of 25 % of the mark and 5 % of spot.
    /// @return closeOnly whether both sides have to become smaller
    function requireTradable(uint128 instrument, uint64 price) external view returns (bool closeOnly);

    function stageOf(uint128 instrument) external view returns (Stage);

    function openInterestCap(uint16 underlying) external view returns (uint64);

    /// @notice What whole lots of an underlying are as a SPOT position and as tokens; a close-only one takes no more, nor one
    /// whose price is not fresh.
    function spotTokens(uint16 underlying, uint64 lots, bool adding)
        external
        view
        returns (uint128 instrument, address token, uint256 amount);

    function isListed(uint128 instrument) external view returns (bool);

    function spotToken(uint16 underlying) external view returns (address);

    function listingCount() external view returns (uint256);

    function listingAt(uint256 index) external view returns (uint128);
}
