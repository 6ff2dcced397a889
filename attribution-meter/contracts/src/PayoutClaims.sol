// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IOperatorRegistry, OperatorAccess} from "./OperatorAccess.sol";
import {PayoutRoots} from "./PayoutRoots.sol";

/// @title Pays payees what a payout root says they have earned since the beginning, less what they have had.
/// @notice Leaves are OpenZeppelin's standard ones over ['bytes32 poolId', 'address account', 'uint256 cumulative'].
/// The sum of claims is at most the total of the claimable round, which is at most what was put in: whatever the tree
/// says, a pool cannot pay out another's money.
contract PayoutClaims is PayoutRoots, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Claim {
        bytes32 operatorId;
        address token;
        address account;
        uint256 cumulative;
        bytes32 expectedRoot;
        bytes32[] proof;
    }

    mapping(bytes32 poolId => mapping(address account => uint256 cumulative)) public claimed;
    /// @notice Who may claim for an account and choose where the money goes, besides itself.
    mapping(address account => address) public claimers;

    event Funded(bytes32 indexed poolId, address indexed from, uint256 amount);
    event SurplusWithdrawn(bytes32 indexed poolId, address indexed to, uint256 amount);
    event Claimed(
        bytes32 indexed poolId, address indexed account, address indexed recipient, uint256 amount, uint256 cumulative
    );
    event ClaimerChanged(address indexed account, address indexed claimer);

    error NoSurplus(uint256 available);
    error RootChanged(bytes32 claimableRoot);
    error BadProof();
    error NothingToClaim();
    error Exhausted(uint256 available);
    error NotClaimer(address account, address sender);
    error InvalidRecipient();

    constructor(IOperatorRegistry operatorRegistry) OperatorAccess(operatorRegistry) {}

    // ---- money in ------------------------------------------------------------------------------

    /// @notice Puts tokens into a pool. What arrived counts, not what was sent, for tokens that keep a fee.
    function fund(bytes32 operatorId, address token, uint256 amount) external nonReentrant {
        bytes32 poolId = poolIdOf(operatorId, token);
        Pool storage pool = _open(poolId);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = IERC20(token).balanceOf(address(this)) - before;
        pool.deposited = SafeCast.toUint128(pool.deposited + arrived);
        emit Funded(poolId, msg.sender, arrived);
    }

    /// @notice Takes out what no round promises to anybody.
    function withdrawSurplus(bytes32 operatorId, address token, uint128 amount, address to)
        external
        nonReentrant
        onlyAdmin(operatorId)
    {
        if (to == address(0)) revert InvalidRecipient();
        bytes32 poolId = poolIdOf(operatorId, token);
        Pool storage pool = pools[poolId];
        uint128 surplus = pool.deposited - allocated(poolId);
        if (amount > surplus) revert NoSurplus(surplus);
        pool.deposited -= amount;
        emit SurplusWithdrawn(poolId, to, amount);
        IERC20(token).safeTransfer(to, amount);
    }

    // ---- money out -----------------------------------------------------------------------------

    /// @notice Appoints who may claim for the sender; zero for nobody.
    function setClaimer(address claimer) external {
        claimers[msg.sender] = claimer;
        emit ClaimerChanged(msg.sender, claimer);
    }

    /// @notice Pays an account; anyone may ask for it.
    /// @param expectedRoot the root that the proof is for: where another became claimable meanwhile, nothing happens
    function claim(
        bytes32 operatorId,
        address token,
        address account,
        uint256 cumulative,
        bytes32 expectedRoot,
        bytes32[] calldata proof
    ) external nonReentrant returns (uint256 amount) {
        amount = _claim(Claim(operatorId, token, account, cumulative, expectedRoot, proof), account);
        if (amount == 0) revert NothingToClaim();
    }

    /// @notice Pays what an account has earned to somebody else, at its own word or its claimer's.
    function claimTo(Claim calldata request, address recipient) external nonReentrant returns (uint256 amount) {
        if (msg.sender != request.account && msg.sender != claimers[request.account]) {
            revert NotClaimer(request.account, msg.sender);
        }
        if (recipient == address(0)) revert InvalidRecipient();
        amount = _claim(request, recipient);
        if (amount == 0) revert NothingToClaim();
    }

    /// @notice Pays many accounts; those that have had everything are passed over, so that nobody spoils the others'
    /// claims by being quicker.
    function claimMany(Claim[] calldata requests) external nonReentrant returns (uint256[] memory amounts) {
        amounts = new uint256[](requests.length);
        for (uint256 i; i < requests.length; ++i) {
            amounts[i] = _claim(requests[i], requests[i].account);
        }
    }

    /// @notice The leaf of an account in a pool's tree.
    function leafOf(bytes32 poolId, address account, uint256 cumulative) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(poolId, account, cumulative))));
    }

    function _claim(Claim memory request, address recipient) private returns (uint256 amount) {
        bytes32 poolId = poolIdOf(request.operatorId, request.token);
        (, bytes32 root, uint128 total) = claimableRound(poolId);
        if (root == bytes32(0) || root != request.expectedRoot) revert RootChanged(root);
        if (!MerkleProof.verify(request.proof, root, leafOf(poolId, request.account, request.cumulative))) {
            revert BadProof();
        }
        uint256 before = claimed[poolId][request.account];
        if (request.cumulative <= before) return 0;
        amount = request.cumulative - before;
        Pool storage pool = pools[poolId];
        if (amount > total - pool.claimed) revert Exhausted(total - pool.claimed);
        claimed[poolId][request.account] = request.cumulative;
        pool.claimed += uint128(amount); // at most total
        emit Claimed(poolId, request.account, recipient, amount, request.cumulative);
        IERC20(request.token).safeTransfer(recipient, amount);
    }
}
