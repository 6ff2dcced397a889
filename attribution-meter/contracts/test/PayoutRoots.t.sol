// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorAccess} from "../src/OperatorAccess.sol";
import {PayoutRoots} from "../src/PayoutRoots.sol";
import {Scenario} from "./Scenario.sol";
import {vm} from "./Vm.sol";

/// @dev The life of a round.
contract PayoutRootsTest is Scenario {
    bytes32 private constant FIRST = keccak256("first");
    bytes32 private constant SECOND = keccak256("second");

    function setUp() public override {
        super.setUp();
        fund(1_000);
    }

    function test_openPool_byAnyoneButTheAdmin_refused() public {
        vm.prank(SUBMITTER);
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.NotAdmin.selector, operatorId, SUBMITTER));
        payouts.openPool(operatorId, address(0x70), GUARDIAN, DELAY);
    }

    function test_openPool_twice_cannotReplaceGuardianOrDelay() public {
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.AlreadyOpen.selector, poolId));
        payouts.openPool(operatorId, address(token), ADMIN, 1 minutes);
    }

    function test_openPool_withoutGuardianOrOutsideTheDelays_refused() public {
        vm.prank(ADMIN);
        vm.expectRevert(PayoutRoots.InvalidGuardian.selector);
        payouts.openPool(operatorId, address(0x70), address(0), DELAY);
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.InvalidDelay.selector, 1 minutes, 30 days));
        payouts.openPool(operatorId, address(0x70), GUARDIAN, 1 minutes - 1);
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.InvalidDelay.selector, 1 minutes, 30 days));
        payouts.openPool(operatorId, address(0x70), GUARDIAN, 30 days + 1);
    }

    function test_guardian_handsItsOfficeOver_inTwoSteps() public {
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.NotGuardian.selector, poolId, ADMIN));
        payouts.offerGuardian(poolId, ADMIN);
        vm.prank(GUARDIAN);
        payouts.offerGuardian(poolId, address(0x6B));
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.NotGuardian.selector, poolId, ADMIN));
        payouts.acceptGuardian(poolId);
        vm.prank(address(0x6B));
        payouts.acceptGuardian(poolId);
        (,, address guardian,,) = payouts.pools(poolId);
        require(guardian == address(0x6B), "the new guardian");
        vm.prank(address(0x6B));
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.NotGuardian.selector, poolId, address(0x6B)));
        payouts.acceptGuardian(poolId);
    }

    function test_round_claimableOnlyAfterTheDelay() public {
        require(post(1, FIRST, 400), "new");
        require(payouts.allocated(poolId) == 400, "promised from now on");
        vm.warp(block.timestamp + DELAY - 1);
        (uint64 number, bytes32 root, uint128 total) = payouts.claimableRound(poolId);
        require(number == 0 && root == 0 && total == 0, "nothing yet");
        vm.warp(block.timestamp + 1);
        (number, root, total) = payouts.claimableRound(poolId);
        require(number == 1 && root == FIRST && total == 400, "the round");
    }

    function test_postRound_again_answersFalseAndChangesNothing() public {
        post(1, FIRST, 400);
        vm.warp(block.timestamp + DELAY);
        require(!post(1, FIRST, 400), "a replay");
        (,,, uint40 activatesAt,,) = payouts.rounds(poolId, 1);
        require(activatesAt == block.timestamp, "the first posting counts");
    }

    function test_postRound_otherContentUnderAUsedNumber_refused() public {
        post(1, FIRST, 400);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.RoundConflict.selector, 1));
        this.postFor(1, SECOND, 400);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.RoundConflict.selector, 1));
        this.postFor(1, FIRST, 401);
    }

    function test_postRound_outOfOrder_refused() public {
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.RoundGap.selector, 1));
        this.postFor(2, FIRST, 400);
        vm.expectRevert(PayoutRoots.InvalidRound.selector);
        this.postFor(0, FIRST, 400);
        vm.expectRevert(PayoutRoots.InvalidRound.selector);
        this.postFor(1, bytes32(0), 400);
    }

    function test_postRound_whileOneIsPending_refused() public {
        post(1, FIRST, 400);
        vm.expectRevert(
            abi.encodeWithSelector(PayoutRoots.RoundPending.selector, 1, uint40(block.timestamp) + DELAY)
        );
        this.postFor(2, SECOND, 500);
    }

    function test_postRound_beyondThePool_refused() public {
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.Insolvent.selector, 1_000));
        this.postFor(1, FIRST, 1_001);
    }

    function testFuzz_postRound_smallerTotal_refused(uint128 first, uint128 second) public {
        first = first % 1_001;
        second = second % 1_001;
        post(1, FIRST, first);
        vm.warp(block.timestamp + DELAY);
        if (second < first) vm.expectRevert(abi.encodeWithSelector(PayoutRoots.TotalFell.selector, first));
        this.postFor(2, SECOND, second);
    }

    function test_postRound_byAnyoneButASubmitter_orWhileSuspended_refused() public {
        vm.prank(ADMIN);
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.NotSubmitter.selector, operatorId, ADMIN));
        payouts.postRound(operatorId, address(token), 1, FIRST, 1, 0);
        ledger.setSuspended(operatorId, true);
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.Suspended.selector, operatorId));
        this.postFor(1, FIRST, 1);
    }

    function test_postRound_afterKeyRotation_byTheNewSubmitterAlone() public {
        vm.prank(ADMIN);
        ledger.setSubmitter(operatorId, address(0x5C), true);
        vm.prank(ADMIN);
        ledger.setSubmitter(operatorId, SUBMITTER, false);
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.NotSubmitter.selector, operatorId, SUBMITTER));
        this.postFor(1, FIRST, 400);
        vm.prank(address(0x5C));
        require(payouts.postRound(operatorId, address(token), 1, FIRST, 400, 0), "rotated");
    }

    function test_disabledRound_neverClaimable_andTheNextReplacesTheOneBefore() public {
        post(1, FIRST, 400);
        vm.warp(block.timestamp + DELAY);
        post(2, SECOND, 900);
        vm.prank(GUARDIAN);
        payouts.disableRound(operatorId, address(token), 2);
        require(payouts.allocated(poolId) == 400, "freed");
        vm.warp(block.timestamp + 10 * DELAY);
        (uint64 number, bytes32 root,) = payouts.claimableRound(poolId);
        require(number == 1 && root == FIRST, "the round before");
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.TotalFell.selector, 400));
        this.postFor(3, keccak256("third"), 399);
        post(3, keccak256("third"), 400);
        (number, root,) = payouts.claimableRound(poolId);
        require(number == 1 && root == FIRST, "until the third is active");
        vm.warp(block.timestamp + DELAY);
        (number, root,) = payouts.claimableRound(poolId);
        require(number == 3 && root == keccak256("third"), "the third");
    }

    function test_firstRoundDisabled_leavesNothingClaimable() public {
        post(1, FIRST, 400);
        vm.prank(ADMIN);
        payouts.disableRound(operatorId, address(token), 1);
        vm.warp(block.timestamp + DELAY);
        (uint64 number, bytes32 root,) = payouts.claimableRound(poolId);
        require(number == 0 && root == 0 && payouts.allocated(poolId) == 0, "nothing");
        require(!post(1, FIRST, 400), "the number stays used");
    }

    function test_disableRound_onceActive_refused() public {
        post(1, FIRST, 400);
        vm.warp(block.timestamp + DELAY);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.RoundActive.selector, 1));
        payouts.disableRound(operatorId, address(token), 1);
    }

    function test_disableRound_bySubmitterOrStranger_refused() public {
        post(1, FIRST, 400);
        vm.prank(SUBMITTER);
        vm.expectRevert(abi.encodeWithSelector(PayoutRoots.NotGuardian.selector, poolId, SUBMITTER));
        payouts.disableRound(operatorId, address(token), 1);
        vm.prank(GUARDIAN);
        vm.expectRevert(PayoutRoots.InvalidRound.selector);
        payouts.disableRound(operatorId, address(token), 2);
    }

    /// @dev External, so that an expected revert is this call's.
    function postFor(uint64 number, bytes32 root, uint128 total) external {
        post(number, root, total);
    }
}
