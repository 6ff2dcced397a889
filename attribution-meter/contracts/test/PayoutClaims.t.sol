// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorAccess} from "../src/OperatorAccess.sol";
import {PayoutClaims} from "../src/PayoutClaims.sol";
import {PayoutRoots} from "../src/PayoutRoots.sol";
import {Scenario} from "./Scenario.sol";
import {FeeToken, HookToken, PlainToken, SilentToken} from "./Tokens.sol";
import {Tree} from "./Tree.sol";
import {vm} from "./Vm.sol";

/// @dev Money into pools and out to payees.
contract PayoutClaimsTest is Scenario {
    /// @dev Posts a round of these earnings and lets it become claimable.
    function activate(uint64 number, uint256[] memory amounts) private returns (bytes32[] memory nodes) {
        nodes = tree(poolId, amounts);
        uint256 total;
        for (uint256 i; i < amounts.length; ++i) {
            total += amounts[i];
        }
        post(number, nodes[0], uint128(total));
        vm.warp(block.timestamp + DELAY);
    }

    function claimOf(bytes32[] memory nodes, uint256 index, uint256 cumulative)
        private
        view
        returns (PayoutClaims.Claim memory)
    {
        return PayoutClaims.Claim(
            operatorId, address(token), account(index), cumulative, nodes[0], Tree.proof(nodes, index)
        );
    }

    /// @dev External, so that an expected revert is this call's.
    function claim(PayoutClaims.Claim memory c) public returns (uint256) {
        return payouts.claim(c.operatorId, c.token, c.account, c.cumulative, c.expectedRoot, c.proof);
    }

    function one(PayoutClaims.Claim memory c) private pure returns (PayoutClaims.Claim[] memory claims) {
        claims = new PayoutClaims.Claim[](1);
        claims[0] = c;
    }

    function test_claim_cumulative_paysTheDifferenceOnce() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        require(claim(claimOf(nodes, 1, 200)) == 200 && token.balanceOf(account(1)) == 200, "first");
        vm.expectRevert(PayoutClaims.NothingToClaim.selector);
        this.claim(claimOf(nodes, 1, 200));
        nodes = activate(2, list(100, 250, 300));
        require(claim(claimOf(nodes, 1, 250)) == 50 && token.balanceOf(account(1)) == 250, "top-up");
        require(claim(claimOf(nodes, 2, 300)) == 300, "two rounds at once");
        require(token.balanceOf(address(payouts)) == 450, "the rest stays");
    }

    function test_claim_ofAnotherAmountAccountOrPool_badProof() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        vm.expectRevert(PayoutClaims.BadProof.selector);
        this.claim(claimOf(nodes, 1, 201));
        PayoutClaims.Claim memory other = claimOf(nodes, 1, 200);
        other.account = address(0xBAD);
        vm.expectRevert(PayoutClaims.BadProof.selector);
        this.claim(other);
        // The same operator and tree, another token: the pool stands in every leaf.
        PlainToken second = new PlainToken(18);
        bytes32 secondPool = open(operatorId, ADMIN, address(second));
        second.mint(address(this), 1_000);
        second.approve(address(payouts), 1_000);
        payouts.fund(operatorId, address(second), 1_000);
        vm.prank(SUBMITTER);
        payouts.postRound(operatorId, address(second), 1, nodes[0], 600, 0);
        vm.warp(block.timestamp + DELAY);
        require(secondPool != poolId, "pools differ");
        PayoutClaims.Claim memory elsewhere = claimOf(nodes, 1, 200);
        elsewhere.token = address(second);
        vm.expectRevert(PayoutClaims.BadProof.selector);
        this.claim(elsewhere);
    }

    function test_claim_withInnerNodeAsLeaf_badProof() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        PayoutClaims.Claim memory forged = claimOf(nodes, 0, uint256(nodes[2]));
        forged.account = address(uint160(uint256(nodes[1])));
        forged.proof = new bytes32[](0);
        vm.expectRevert(PayoutClaims.BadProof.selector);
        this.claim(forged);
    }

    function test_claim_whenTheRootChanged_nothingHappens() public {
        fund(1_000);
        bytes32[] memory old = activate(1, list(100, 200, 300));
        bytes32[] memory nodes = activate(2, list(100, 200, 301));
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.RootChanged.selector, nodes[0]));
        this.claim(claimOf(old, 1, 200));
    }

    function test_claim_beforeAnyRound_refused() public {
        fund(1_000);
        PayoutClaims.Claim memory nothing =
            PayoutClaims.Claim(operatorId, address(token), account(0), 1, bytes32(0), new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.RootChanged.selector, bytes32(0)));
        this.claim(nothing);
    }

    function test_claim_whenCumulativeFell_paysNothingAndRemembersTheMost() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        claim(claimOf(nodes, 1, 200));
        nodes = activate(2, list(300, 150, 300));
        vm.expectRevert(PayoutClaims.NothingToClaim.selector);
        this.claim(claimOf(nodes, 1, 150));
        require(payouts.claimed(poolId, account(1)) == 200, "remembered");
    }

    /// @dev A tree may promise more than its total says: the pool pays the total and not a unit more.
    function testFuzz_claim_treeBeyondItsTotal_cannotPayMoreThanTheTotal(uint64 total, uint64[3] memory amounts)
        public
    {
        fund(type(uint64).max);
        uint256[] memory earned = list(amounts[0], amounts[1], amounts[2]);
        bytes32[] memory nodes = tree(poolId, earned);
        post(1, nodes[0], total);
        vm.warp(block.timestamp + DELAY);
        uint256 paid;
        for (uint256 i; i < 3; ++i) {
            uint256 left = total - paid;
            if (earned[i] == 0) {
                vm.expectRevert(PayoutClaims.NothingToClaim.selector);
            } else if (earned[i] > left) {
                vm.expectRevert(abi.encodeWithSelector(PayoutClaims.Exhausted.selector, left));
            } else {
                paid += earned[i];
            }
            this.claim(claimOf(nodes, i, earned[i]));
        }
        require(token.balanceOf(address(payouts)) == type(uint64).max - paid, "paid what was claimed");
    }

    function test_claimMany_passesOverWhatWasClaimed() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        claim(claimOf(nodes, 1, 200));
        PayoutClaims.Claim[] memory claims = new PayoutClaims.Claim[](3);
        for (uint256 i; i < 3; ++i) {
            claims[i] = claimOf(nodes, i, 100 * (i + 1));
        }
        uint256[] memory amounts = payouts.claimMany(claims);
        require(amounts[0] == 100 && amounts[1] == 0 && amounts[2] == 300, "amounts");
        require(token.balanceOf(account(0)) == 100 && token.balanceOf(account(2)) == 300, "paid");
        claims[2].cumulative = 301;
        vm.expectRevert(PayoutClaims.BadProof.selector);
        payouts.claimMany(claims);
    }

    function test_claimMany_sameClaimTwice_paysOnce() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        PayoutClaims.Claim[] memory claims = new PayoutClaims.Claim[](2);
        claims[0] = claims[1] = claimOf(nodes, 2, 300);
        payouts.claimMany(claims);
        require(token.balanceOf(account(2)) == 300, "once");
    }

    function test_claimer_alone_choosesWhereMoneyGoes() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.NotClaimer.selector, account(0), address(this)));
        payouts.claimTo(claimOf(nodes, 0, 100), address(0xD0));
        vm.prank(account(0));
        payouts.setClaimer(address(0xC1));
        vm.prank(address(0xC1));
        vm.expectRevert(PayoutClaims.InvalidRecipient.selector);
        payouts.claimTo(claimOf(nodes, 0, 100), address(0));
        vm.prank(address(0xC1));
        payouts.claimTo(claimOf(nodes, 0, 100), address(0xD0));
        require(token.balanceOf(address(0xD0)) == 100 && token.balanceOf(account(0)) == 0, "to the recipient");
        vm.prank(account(1));
        payouts.claimTo(claimOf(nodes, 1, 200), address(0xD1));
        require(token.balanceOf(address(0xD1)) == 200, "an account for itself");
        vm.prank(account(0));
        payouts.setClaimer(address(0));
        vm.prank(address(0xC1));
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.NotClaimer.selector, account(0), address(0xC1)));
        payouts.claimTo(claimOf(nodes, 0, 100), address(0xD0));
    }

    function test_surplus_isWhatNoRoundPromises() public {
        fund(1_000);
        activate(1, list(100, 200, 300));
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.NotAdmin.selector, operatorId, address(this)));
        payouts.withdrawSurplus(operatorId, address(token), 1, address(this));
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.NoSurplus.selector, 400));
        payouts.withdrawSurplus(operatorId, address(token), 401, ADMIN);
        vm.prank(ADMIN);
        payouts.withdrawSurplus(operatorId, address(token), 400, ADMIN);
        require(token.balanceOf(ADMIN) == 400, "the surplus");
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.Insolvent.selector, 600));
        this.postFor(2, keccak256("more"), 601);
    }

    function test_surplus_ofAPendingRound_isPromisedToo() public {
        fund(1_000);
        post(1, keccak256("pending"), 1_000);
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutClaims.NoSurplus.selector, 0));
        payouts.withdrawSurplus(operatorId, address(token), 1, ADMIN);
    }

    function postFor(uint64 number, bytes32 root, uint128 total) external {
        post(number, root, total);
    }

    function test_suspendedOperator_payeesStillClaim() public {
        fund(1_000);
        bytes32[] memory nodes = activate(1, list(100, 200, 300));
        ledger.setSuspended(operatorId, true);
        require(claim(claimOf(nodes, 0, 100)) == 100, "theirs");
    }

    // ---- tokens that are not plain -----------------------------------------------------------------

    function test_fund_unopenedPool_refused() public {
        bytes32 unopened = payouts.poolIdOf(operatorId, address(0x70));
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.NotOpen.selector, unopened));
        payouts.fund(operatorId, address(0x70), 1);
    }

    function test_feeToken_whatArrivedCounts() public {
        FeeToken fee = new FeeToken();
        open(operatorId, ADMIN, address(fee));
        fee.mint(address(this), 1_000);
        fee.approve(address(payouts), 1_000);
        payouts.fund(operatorId, address(fee), 1_000);
        (uint128 deposited,,,,) = payouts.pools(payouts.poolIdOf(operatorId, address(fee)));
        require(deposited == 990 && fee.balanceOf(address(payouts)) == 990, "the fee is gone");
    }

    function test_silentToken_inAndOut() public {
        SilentToken silent = new SilentToken();
        bytes32 pool = open(operatorId, ADMIN, address(silent));
        silent.mint(address(this), 600);
        silent.approve(address(payouts), 600);
        payouts.fund(operatorId, address(silent), 600);
        bytes32[] memory nodes = tree(pool, list(100, 200, 300));
        vm.prank(SUBMITTER);
        payouts.postRound(operatorId, address(silent), 1, nodes[0], 600, 0);
        vm.warp(block.timestamp + DELAY);
        PayoutClaims.Claim memory c = claimOf(nodes, 2, 300);
        c.token = address(silent);
        require(claim(c) == 300 && silent.balanceOf(account(2)) == 300, "paid");
    }

    function test_hookToken_cannotComeBackIn() public {
        HookToken hook = new HookToken();
        bytes32 pool = open(operatorId, ADMIN, address(hook));
        hook.mint(address(this), 600);
        hook.approve(address(payouts), 600);
        hook.hook(address(payouts), abi.encodeCall(PayoutClaims.fund, (operatorId, address(hook), 0)));
        payouts.fund(operatorId, address(hook), 600);
        require(hook.called() && !hook.succeeded(), "fund within fund");
        bytes32[] memory nodes = tree(pool, list(100, 200, 300));
        vm.prank(SUBMITTER);
        payouts.postRound(operatorId, address(hook), 1, nodes[0], 600, 0);
        vm.warp(block.timestamp + DELAY);
        PayoutClaims.Claim memory c = claimOf(nodes, 1, 200);
        c.token = address(hook);
        PayoutClaims.Claim memory again = claimOf(nodes, 2, 300);
        again.token = address(hook);
        hook.hook(address(payouts), abi.encodeCall(PayoutClaims.claimMany, (one(again))));
        require(claim(c) == 200, "paid");
        require(hook.called() && !hook.succeeded(), "claim within claim");
        require(hook.balanceOf(address(payouts)) == 400, "once");
    }

    function testFuzz_decimals_doNotMatter(uint8 decimals, uint128 amount) public {
        vm.assume(amount > 0);
        token = new PlainToken(decimals);
        poolId = open(operatorId, ADMIN, address(token));
        fund(amount);
        bytes32[] memory nodes = activate(1, list(amount, 0, 0));
        require(claim(claimOf(nodes, 0, amount)) == amount && token.balanceOf(account(0)) == amount, "all of it");
    }
}
