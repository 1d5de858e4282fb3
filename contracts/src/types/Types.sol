// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One live position: signed lots of one instrument. See docs/encodings.md for the id.
struct Leg {
    uint128 instrument;
    int64 lots;
}

/// @notice What an owner signs to trade one instrument. Positive lots buy. The limit is 1e-8 USD per unit.
struct Order {
    bytes32 account;
    uint128 instrument;
    int64 lots;
    uint64 limitPrice;
    uint64 salt;
    uint64 deadline;
    address executor;
}

/// @notice What an account was filled with: signed lots at a price in 1e-8 USD.
struct Fill {
    uint128 instrument;
    int64 lots;
    uint64 price;
}

/// @notice Forward and smile of one expiry; all but the expiry are wad. Expiry 0 is the perpetual.
struct ExpiryQuote {
    uint40 expiry;
    uint64 ratio;
    uint64 confidence;
    int64 a;
    int64 b;
    int64 rho;
    int64 m;
    int64 sigma;
}

/// @notice A quote as stored, with the time that was signed. `time` 0 means never published.
struct StoredQuote {
    uint64 ratio;
    uint64 confidence;
    int64 sigma;
    uint64 time;
    int64 a;
    int64 b;
    int64 rho;
    int64 m;
}

/// @notice The statement that k of n margin signers make about one epoch.
struct MarginAttestation {
    bytes32 configDigest;
    uint64 epoch;
    uint64 refBlock;
    uint64 refTime;
    uint32 leafCount;
    bytes32 refBlockHash;
    bytes32 modelHash;
    bytes32 marginRoot;
    bytes32 bundleHash;
}

/// @notice One account's attested margin, in micro-dollars.
struct MarginLeaf {
    uint64 epoch;
    bytes32 account;
    bytes32 positionsHash;
    uint128 initialMargin;
    uint128 maintenanceMargin;
    uint8 worstScenario;
}

/// @notice A leaf with its proof and the book that it speaks of. `leaf.epoch == 0` means that none is presented.
struct MarginClaim {
    MarginLeaf leaf;
    bytes32[] proof;
    Leg[] base;
}

/// @notice An account that wants to take risk or money out. `legs` is its book after the change, `cash` what it has besides, in
/// micro-dollars; leaves that speak of a time up to `voidSince` no longer count for it.
struct MarginRequest {
    bytes32 account;
    uint8 mode;
    uint40 voidSince;
    int256 cash;
    Leg[] legs;
}

/// @notice EIP-2098 signature.
struct Signature {
    bytes32 r;
    bytes32 vs;
}
