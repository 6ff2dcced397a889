// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttributionLedger} from "../src/AttributionLedger.sol";
import {PayoutClaims} from "../src/PayoutClaims.sol";
import {PayerDeposits} from "../src/PayerDeposits.sol";
import {Committed} from "./Committed.sol";
import {PlainToken} from "./Tokens.sol";
import {Tree} from "./Tree.sol";
import {vm} from "./Vm.sol";

/// @dev A ledger with one operator and the money contracts beside it. The test is the ledger's owner.
abstract contract Scenario {
    address internal constant ADMIN = address(0xAD);
    address internal constant SUBMITTER = address(0x5B);
    address internal constant GUARDIAN = address(0x6A);
    uint32 internal constant DELAY = 1 days;
    /// @dev What keys of tests start from; the fuzzers' accounts stand at these and the next addresses.
    uint256 internal constant ACCOUNTS = 0xACC0;

    AttributionLedger internal ledger;
    PayoutClaims internal payouts;
    PayerDeposits internal deposits;
    PlainToken internal token;
    bytes32 internal operatorId;
    bytes32 internal poolId;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        ledger = AttributionLedger(Committed.deploy("AttributionLedger", abi.encode(address(this))));
        payouts = PayoutClaims(Committed.deploy("PayoutClaims", abi.encode(ledger)));
        deposits = PayerDeposits(Committed.deploy("PayerDeposits", abi.encode(payouts)));
        token = new PlainToken(6);
        operatorId = register(ADMIN, SUBMITTER);
        poolId = open(operatorId, ADMIN, address(token));
    }

    function register(address admin, address submitter) internal returns (bytes32 id) {
        vm.prank(admin);
        id = ledger.registerOperator(bytes32(0), submitter, submitter);
    }

    function open(bytes32 operator, address admin, address token_) internal returns (bytes32) {
        vm.prank(admin);
        payouts.openPool(operator, token_, GUARDIAN, DELAY);
        return payouts.poolIdOf(operator, token_);
    }

    function fund(uint256 amount) internal {
        token.mint(address(this), amount);
        token.approve(address(payouts), amount);
        payouts.fund(operatorId, address(token), amount);
    }

    function post(uint64 number, bytes32 root, uint128 total) internal returns (bool) {
        vm.prank(SUBMITTER);
        return payouts.postRound(operatorId, address(token), number, root, total, keccak256(abi.encode(root)));
    }

    /// @dev The tree of these accounts' earnings, `amounts[i]` at ACCOUNTS + i.
    function tree(bytes32 pool, uint256[] memory amounts) internal view returns (bytes32[] memory) {
        bytes32[] memory leaves = new bytes32[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            leaves[i] = payouts.leafOf(pool, account(i), amounts[i]);
        }
        return Tree.build(leaves);
    }

    function account(uint256 index) internal pure returns (address) {
        return address(uint160(ACCOUNTS + index));
    }

    function list(uint256 a, uint256 b, uint256 c) internal pure returns (uint256[] memory values) {
        values = new uint256[](3);
        (values[0], values[1], values[2]) = (a, b, c);
    }
}
