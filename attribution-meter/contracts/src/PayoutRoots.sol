// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorAccess} from "./OperatorAccess.sol";

/// @title Rounds of payout roots: posted by the operator, claimable after a delay, stopped by a guardian until then.
/// @notice A pool is what one operator pays in one token. Each round of a pool replaces the one before: its Merkle root
/// says what every payee has earned since the beginning, its total what they have earned together. The total of a
/// round that counts never falls and is never more than the pool holds for its payees, paid or not.
/// @dev No money moves here: `PayoutClaims` is this contract with the money.
abstract contract PayoutRoots is OperatorAccess {
    struct Pool {
        uint128 deposited; // token units ever put in, less surplus taken out
        uint128 claimed; // token units ever paid out
        address guardian; // zero: the pool is not open
        uint32 activationDelay; // seconds
        uint64 rounds; // number of the last round
    }

    struct Round {
        bytes32 root;
        bytes32 dataHash; // keccak256 of the published file that the tree is built from
        uint128 total; // token units, cumulative
        uint40 activatesAt; // block time, seconds
        uint64 replaces; // the round that stays claimable until then, and where this one is disabled; 0 for none
        bool disabled;
    }

    uint32 public constant MIN_ACTIVATION_DELAY = 1 minutes;
    uint32 public constant MAX_ACTIVATION_DELAY = 30 days;

    mapping(bytes32 poolId => Pool) public pools;
    mapping(bytes32 poolId => mapping(uint64 number => Round)) public rounds;
    mapping(bytes32 poolId => address) public pendingGuardians;

    event PoolOpened(
        bytes32 indexed poolId,
        bytes32 indexed operatorId,
        address indexed token,
        address guardian,
        uint32 activationDelay
    );
    event GuardianOffered(bytes32 indexed poolId, address indexed candidate);
    event GuardianChanged(bytes32 indexed poolId, address indexed guardian);
    event RoundPosted(
        bytes32 indexed poolId,
        uint64 indexed number,
        bytes32 root,
        uint128 total,
        bytes32 dataHash,
        uint40 activatesAt
    );
    event RoundDisabled(bytes32 indexed poolId, uint64 indexed number, address by);

    error AlreadyOpen(bytes32 poolId);
    error NotOpen(bytes32 poolId);
    error InvalidGuardian();
    error InvalidDelay(uint32 least, uint32 most);
    error NotGuardian(bytes32 poolId, address sender);
    error InvalidRound();
    error RoundGap(uint64 expected);
    error RoundConflict(uint64 number);
    error RoundPending(uint64 number, uint40 activatesAt);
    error RoundActive(uint64 number);
    error TotalFell(uint128 least);
    error Insolvent(uint128 deposited);

    /// @notice The id of a pool; it is a column of every leaf, so a proof holds on one chain, in one contract, for one
    /// operator and one token.
    function poolIdOf(bytes32 operatorId, address token) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), operatorId, token));
    }

    /// @notice Opens a pool. Delay and guardian are out of the operator's hands from then on.
    function openPool(bytes32 operatorId, address token, address guardian, uint32 activationDelay)
        external
        onlyAdmin(operatorId)
    {
        bytes32 poolId = poolIdOf(operatorId, token);
        Pool storage pool = pools[poolId];
        if (pool.guardian != address(0)) revert AlreadyOpen(poolId);
        if (guardian == address(0)) revert InvalidGuardian();
        if (activationDelay < MIN_ACTIVATION_DELAY || activationDelay > MAX_ACTIVATION_DELAY) {
            revert InvalidDelay(MIN_ACTIVATION_DELAY, MAX_ACTIVATION_DELAY);
        }
        pool.guardian = guardian;
        pool.activationDelay = activationDelay;
        emit PoolOpened(poolId, operatorId, token, guardian, activationDelay);
    }

    /// @notice The guardian alone hands its office over; who holds the operator's keys cannot take it.
    function offerGuardian(bytes32 poolId, address candidate) external {
        if (pools[poolId].guardian != msg.sender) revert NotGuardian(poolId, msg.sender);
        pendingGuardians[poolId] = candidate;
        emit GuardianOffered(poolId, candidate);
    }

    function acceptGuardian(bytes32 poolId) external {
        if (pendingGuardians[poolId] != msg.sender) revert NotGuardian(poolId, msg.sender);
        pools[poolId].guardian = msg.sender;
        delete pendingGuardians[poolId];
        emit GuardianChanged(poolId, msg.sender);
    }

    /// @return applied true where the round is new, false for an identical replay: like batches, rounds may be sent as
    /// often as it takes. One round is pending at a time.
    function postRound(
        bytes32 operatorId,
        address token,
        uint64 number,
        bytes32 root,
        uint128 total,
        bytes32 dataHash
    ) external onlySubmitter(operatorId) returns (bool applied) {
        bytes32 poolId = poolIdOf(operatorId, token);
        Pool storage pool = _open(poolId);
        if (number == 0 || root == bytes32(0)) revert InvalidRound();
        if (number > pool.rounds + 1) revert RoundGap(pool.rounds + 1);
        Round storage round = rounds[poolId][number];
        if (number <= pool.rounds) {
            if (round.root != root || round.total != total || round.dataHash != dataHash) revert RoundConflict(number);
            return false;
        }
        uint64 replaced = _replaceable(poolId, pool.rounds);
        if (total < rounds[poolId][replaced].total) revert TotalFell(rounds[poolId][replaced].total);
        if (total > pool.deposited) revert Insolvent(pool.deposited);
        pool.rounds = number;
        round.root = root;
        round.dataHash = dataHash;
        round.total = total;
        round.activatesAt = uint40(block.timestamp) + pool.activationDelay;
        round.replaces = replaced;
        emit RoundPosted(poolId, number, root, total, dataHash, round.activatesAt);
        return true;
    }

    /// @notice Stops a round before it becomes claimable: the guardian, or the operator's admin where a submitter's key
    /// was stolen. Afterwards nobody can.
    function disableRound(bytes32 operatorId, address token, uint64 number) external {
        bytes32 poolId = poolIdOf(operatorId, token);
        Pool storage pool = _open(poolId);
        if (msg.sender != pool.guardian && !_isAdmin(operatorId, msg.sender)) revert NotGuardian(poolId, msg.sender);
        if (number == 0 || number > pool.rounds) revert InvalidRound();
        Round storage round = rounds[poolId][number];
        if (block.timestamp >= round.activatesAt) revert RoundActive(number);
        round.disabled = true;
        emit RoundDisabled(poolId, number, msg.sender);
    }

    /// @notice The round that is claimed from now; all zero where there is none.
    function claimableRound(bytes32 poolId) public view returns (uint64 number, bytes32 root, uint128 total) {
        number = pools[poolId].rounds;
        Round storage round = rounds[poolId][number];
        if (round.disabled || block.timestamp < round.activatesAt) {
            number = round.replaces;
            round = rounds[poolId][number];
        }
        return (number, round.root, round.total);
    }

    /// @notice What is promised to payees, paid or not: the total of the last round that is not disabled.
    function allocated(bytes32 poolId) public view returns (uint128) {
        Round storage round = rounds[poolId][pools[poolId].rounds];
        return round.disabled ? rounds[poolId][round.replaces].total : round.total;
    }

    /// @dev The round that a new one replaces: the last, or the one that the last was to replace where it is disabled.
    function _replaceable(bytes32 poolId, uint64 last) private view returns (uint64) {
        Round storage round = rounds[poolId][last];
        if (round.disabled) return round.replaces;
        if (block.timestamp < round.activatesAt) revert RoundPending(last, round.activatesAt);
        return last;
    }

    function _open(bytes32 poolId) internal view returns (Pool storage pool) {
        pool = pools[poolId];
        if (pool.guardian == address(0)) revert NotOpen(poolId);
    }
}
