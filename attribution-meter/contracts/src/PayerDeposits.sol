// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {OperatorAccess} from "./OperatorAccess.sol";
import {PayoutClaims} from "./PayoutClaims.sol";

/// @title What payers put down in advance, charged by signed vouchers, taken back after a delay.
/// @notice Channels and vouchers have the shape of x402's batch settlement: a channel is known by the hash of its
/// terms, a voucher is the payer's word that up to so much in all may be charged, and a charge takes what was really
/// used, cumulatively. What is charged goes straight into the operator's payout pool: no operator holds it.
contract PayerDeposits is OperatorAccess, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Terms of a channel; they never change, because their hash is its id.
    struct ChannelConfig {
        address payer;
        address payerAuthorizer; // signs vouchers for the payer; zero: the payer itself (also a contract, ERC-1271)
        bytes32 operatorId;
        address token;
        uint40 withdrawDelay; // seconds
        bytes32 salt;
    }

    struct Channel {
        uint128 balance; // token units
        uint128 totalClaimed; // token units ever charged
        uint128 withdrawAmount; // token units asked back; 0 for none
        uint40 withdrawableAt; // block time, seconds
    }

    struct Charge {
        ChannelConfig channel;
        uint128 totalClaimed; // what is to have been charged afterwards, cumulative
        uint128 maxClaimableAmount; // the voucher
        bytes signature;
    }

    uint40 public constant MIN_WITHDRAW_DELAY = 15 minutes;
    uint40 public constant MAX_WITHDRAW_DELAY = 30 days;

    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,bytes32 operatorId,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");

    /// @notice Where charges go.
    PayoutClaims public immutable payouts;

    mapping(bytes32 channelId => Channel) public channels;

    event Deposited(bytes32 indexed channelId, address indexed from, ChannelConfig channel, uint256 amount);
    event Charged(bytes32 indexed channelId, uint256 amount, uint128 totalClaimed);
    event ChargeUncovered(bytes32 indexed channelId, uint256 amount, uint128 balance);
    event WithdrawalRequested(bytes32 indexed channelId, uint128 amount, uint40 withdrawableAt);
    event Withdrawn(bytes32 indexed channelId, uint256 amount);

    error InvalidChannel();
    error NotPayer(bytes32 channelId, address sender);
    error NothingToCharge(uint128 totalClaimed);
    error Uncovered(uint128 balance);
    error ExceedsVoucher(uint128 maxClaimableAmount);
    error BadSignature();
    error OtherPool();
    error NothingRequested();
    error NotYet(uint40 withdrawableAt);

    constructor(PayoutClaims payoutClaims)
        OperatorAccess(payoutClaims.ledger())
        EIP712("OpenLoRA PayerDeposits", "1")
    {
        payouts = payoutClaims;
    }

    /// @notice EIP-712 hash of a channel's terms in this contract's domain.
    function channelIdOf(ChannelConfig calldata channel) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, channel)));
    }

    /// @notice What a voucher's signature signs.
    function voucherDigest(bytes32 channelId, uint128 maxClaimableAmount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)));
    }

    // ---- payers --------------------------------------------------------------------------------

    /// @notice Puts tokens into a channel; anyone may do it for a payer. What arrived counts.
    function deposit(ChannelConfig calldata channel, uint256 amount) external nonReentrant {
        if (
            channel.payer == address(0) || channel.withdrawDelay < MIN_WITHDRAW_DELAY
                || channel.withdrawDelay > MAX_WITHDRAW_DELAY
        ) revert InvalidChannel();
        bytes32 channelId = channelIdOf(channel);
        uint256 before = IERC20(channel.token).balanceOf(address(this));
        IERC20(channel.token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = IERC20(channel.token).balanceOf(address(this)) - before;
        Channel storage state = channels[channelId];
        state.balance = SafeCast.toUint128(state.balance + arrived);
        emit Deposited(channelId, msg.sender, channel, arrived);
    }

    /// @notice Asks tokens back. The operator can charge what was used until they are fetched; another request replaces
    /// this one and waits the whole delay again; an amount of zero takes it back.
    function requestWithdrawal(ChannelConfig calldata channel, uint128 amount) external {
        bytes32 channelId = _ofPayer(channel);
        uint40 withdrawableAt = uint40(block.timestamp) + channel.withdrawDelay;
        Channel storage state = channels[channelId];
        state.withdrawAmount = amount;
        state.withdrawableAt = withdrawableAt;
        emit WithdrawalRequested(channelId, amount, withdrawableAt);
    }

    /// @notice Fetches what was asked back, or what charges have left of it.
    function withdraw(ChannelConfig calldata channel) external nonReentrant returns (uint128 amount) {
        bytes32 channelId = _ofPayer(channel);
        Channel storage state = channels[channelId];
        if (state.withdrawAmount == 0) revert NothingRequested();
        if (block.timestamp < state.withdrawableAt) revert NotYet(state.withdrawableAt);
        amount = state.withdrawAmount < state.balance ? state.withdrawAmount : state.balance;
        state.balance -= amount;
        state.withdrawAmount = 0;
        emit Withdrawn(channelId, amount);
        IERC20(channel.token).safeTransfer(channel.payer, amount);
    }

    // ---- operators -----------------------------------------------------------------------------

    /// @notice Charges one channel, all that is due or nothing.
    function charge(Charge calldata request)
        external
        nonReentrant
        onlySubmitter(request.channel.operatorId)
        returns (uint128 amount)
    {
        (bytes32 channelId, uint128 due) = _due(request);
        Channel storage state = channels[channelId];
        if (due == 0) revert NothingToCharge(state.totalClaimed);
        if (due > state.balance) revert Uncovered(state.balance);
        _take(channelId, state, due, request.totalClaimed);
        _pay(request.channel.operatorId, request.channel.token, due);
        return due;
    }

    /// @notice Charges many channels of one operator and token, each all or nothing: those that were charged before and
    /// those that do not hold enough are passed over.
    function chargeMany(bytes32 operatorId, address token, Charge[] calldata requests)
        external
        nonReentrant
        onlySubmitter(operatorId)
        returns (uint128[] memory amounts)
    {
        amounts = new uint128[](requests.length);
        uint256 sum;
        for (uint256 i; i < requests.length; ++i) {
            Charge calldata request = requests[i];
            if (request.channel.operatorId != operatorId || request.channel.token != token) revert OtherPool();
            (bytes32 channelId, uint128 due) = _due(request);
            Channel storage state = channels[channelId];
            if (due > state.balance) {
                emit ChargeUncovered(channelId, due, state.balance);
            } else if (due > 0) {
                _take(channelId, state, due, request.totalClaimed);
                amounts[i] = due;
                sum += due;
            }
        }
        if (sum > 0) _pay(operatorId, token, sum);
    }

    /// @dev What the charge adds to those before; zero where it was made already.
    function _due(Charge calldata request) private view returns (bytes32 channelId, uint128 amount) {
        if (request.totalClaimed > request.maxClaimableAmount) revert ExceedsVoucher(request.maxClaimableAmount);
        channelId = channelIdOf(request.channel);
        address authorizer = request.channel.payerAuthorizer;
        if (
            !SignatureChecker.isValidSignatureNowCalldata(
                authorizer == address(0) ? request.channel.payer : authorizer,
                voucherDigest(channelId, request.maxClaimableAmount),
                request.signature
            )
        ) revert BadSignature();
        uint128 before = channels[channelId].totalClaimed;
        amount = request.totalClaimed > before ? request.totalClaimed - before : 0;
    }

    function _take(bytes32 channelId, Channel storage state, uint128 amount, uint128 totalClaimed) private {
        state.balance -= amount;
        state.totalClaimed = totalClaimed;
        emit Charged(channelId, amount, totalClaimed);
    }

    function _pay(bytes32 operatorId, address token, uint256 amount) private {
        IERC20(token).forceApprove(address(payouts), amount);
        payouts.fund(operatorId, token, amount);
    }

    function _ofPayer(ChannelConfig calldata channel) private view returns (bytes32 channelId) {
        channelId = channelIdOf(channel);
        if (channel.payer != msg.sender) revert NotPayer(channelId, msg.sender);
    }
}
