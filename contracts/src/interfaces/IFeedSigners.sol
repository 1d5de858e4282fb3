// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Who signs the feeds
/// @notice One set of k-of-n plain keys at a time, and one that stands by. Nobody signs both feeds and margins.
interface IFeedSigners {
    event SignersSet(bytes32 indexed configDigest, address[] signers, uint8 threshold);
    event SignerRemoved(bytes32 indexed configDigest, address signer);
    event StandbySet(bytes32 indexed configDigest, address[] signers, uint8 threshold);
    event OracleConnected(address oracle);

    error NotGuardian(address caller);
    error NoStandby();
    error SignerAlsoSignsMargins(address signer);
    error AlreadyConnected(address oracle);

    /// @notice Owner, once: names the MarginOracle whose signers may not sign here.
    function connectOracle(address oracle) external;

    /// @notice Owner: puts another set in force at once. What the old one signed and nobody sent is void; a slot is a minute.
    function setSigners(address[] calldata signers, uint8 threshold) external returns (bytes32 configDigest);

    /// @notice Owner: names the set that stands by.
    function setStandby(address[] calldata signers, uint8 threshold) external returns (bytes32 configDigest);

    /// @notice Guardian or owner: puts the standby in force at once.
    function activateStandby() external;

    /// @notice Guardian or owner: that key's signature counts no longer. One more than the threshold stay.
    function removeSigner(address signer) external;

    /// @notice Whether a key may sign now or as standby.
    function isSigner(address who) external view returns (bool);

    /// @notice Those whose signatures count now, ascending.
    function signers() external view returns (address[] memory);

    function threshold() external view returns (uint8);

    /// @notice Digest of the set that stands by; 0 for none.
    function standby() external view returns (bytes32 configDigest);

    function guard() external view returns (address);

    /// @notice The MarginOracle; zero until it is connected.
    function oracle() external view returns (address);
}
