// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IAttestationConfig} from "./interfaces/IAttestationConfig.sol";
import {IFeedSigners} from "./interfaces/IFeedSigners.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {QuorumLib} from "./libraries/QuorumLib.sol";
import {SignerSets} from "./libraries/SignerSets.sol";
import {Signature} from "./types/Types.sol";

/// @title Who signs the feeds
/// @notice See {IFeedSigners}, which documents every entry point, event and error.
abstract contract FeedSigners is IFeedSigners, Ownable2Step {
    using SignerSets for SignerSets.Registry;

    IGuard private immutable _guard;
    /// @inheritdoc IFeedSigners
    address public oracle;
    /// @inheritdoc IFeedSigners
    bytes32 public standby;
    bytes32 private _present;
    SignerSets.Registry private _sets;

    modifier onlyGuardian() {
        if (!_guard.isGuardian(msg.sender)) revert NotGuardian(msg.sender);
        _;
    }

    constructor(address owner_, address guard_, address[] memory signers_, uint8 threshold_) Ownable(owner_) {
        _guard = IGuard(guard_);
        _present = _sets.add(signers_, threshold_);
        emit SignersSet(_present, signers_, threshold_);
    }

    /* OWNER AND GUARDIAN */

    /// @inheritdoc IFeedSigners
    function connectOracle(address oracle_) external onlyOwner {
        if (oracle != address(0)) revert AlreadyConnected(oracle);
        oracle = oracle_;
        emit OracleConnected(oracle_);
    }

    /// @inheritdoc IFeedSigners
    function setSigners(address[] calldata signers_, uint8 threshold_) external onlyOwner returns (bytes32 digest) {
        digest = _add(signers_, threshold_);
        _enforce(digest);
    }

    /// @inheritdoc IFeedSigners
    function setStandby(address[] calldata signers_, uint8 threshold_) external onlyOwner returns (bytes32 digest) {
        digest = _add(signers_, threshold_);
        standby = digest;
        emit StandbySet(digest, signers_, threshold_);
    }

    /// @inheritdoc IFeedSigners
    function activateStandby() external onlyGuardian {
        bytes32 digest = standby;
        if (digest == 0) revert NoStandby();
        // The oracle may have taken on new signers since the set was named.
        _requireDisjoint(_sets.liveSigners(digest));
        standby = 0;
        _enforce(digest);
    }

    /// @inheritdoc IFeedSigners
    function removeSigner(address signer) external onlyGuardian {
        _sets.remove(_present, signer);
        emit SignerRemoved(_present, signer);
    }

    function _enforce(bytes32 digest) private {
        _present = digest;
        emit SignersSet(digest, _sets.liveSigners(digest), threshold());
    }

    function _add(address[] calldata signers_, uint8 threshold_) private returns (bytes32) {
        _requireDisjoint(signers_);
        return _sets.add(signers_, threshold_);
    }

    /// @dev Whoever moves marks must not sign margins as well. Before there is an oracle, the oracle's own constructor looks.
    function _requireDisjoint(address[] memory signers_) private view {
        if (oracle == address(0)) return;
        for (uint256 i; i < signers_.length; ++i) {
            if (IAttestationConfig(oracle).isSigner(signers_[i])) revert SignerAlsoSignsMargins(signers_[i]);
        }
    }

    /* VIEWS */

    /// @inheritdoc IFeedSigners
    function isSigner(address who) external view returns (bool) {
        return _sets.sets[_present].isLive[who] || _sets.sets[standby].isLive[who];
    }

    /// @inheritdoc IFeedSigners
    function signers() external view returns (address[] memory) {
        return _sets.liveSigners(_present);
    }

    /// @inheritdoc IFeedSigners
    function threshold() public view returns (uint8) {
        return _sets.sets[_present].threshold;
    }

    /// @inheritdoc IFeedSigners
    function guard() external view returns (address) {
        return address(_guard);
    }

    /* INTERNAL */

    function _verifySigned(bytes32 digest, Signature[] calldata signatures) internal view {
        SignerSets.SignerSet storage set = _sets.sets[_present];
        QuorumLib.verify(set.isLive, set.threshold, digest, signatures);
    }
}
