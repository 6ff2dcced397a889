// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorAccess} from "../src/OperatorAccess.sol";
import {PayerDeposits} from "../src/PayerDeposits.sol";
import {Scenario} from "./Scenario.sol";
import {FeeToken, HookToken, PlainToken} from "./Tokens.sol";
import {vm} from "./Vm.sol";

/// @dev A payer that is a contract: its word is whatever it has approved.
contract ContractPayer {
    mapping(bytes32 digest => bool) public approved;

    function approve(bytes32 digest) external {
        approved[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return approved[digest] ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @dev Deposits, charges and withdrawals of one payer.
contract PayerDepositsTest is Scenario {
    uint256 private constant PAYER_KEY = 0xA11CE;
    uint40 private constant WITHDRAW_DELAY = 1 hours;

    address private payer;
    PayerDeposits.ChannelConfig private channel;

    function setUp() public override {
        super.setUp();
        payer = vm.addr(PAYER_KEY);
        channel = PayerDeposits.ChannelConfig(
            payer, address(0), operatorId, address(token), WITHDRAW_DELAY, keccak256("salt")
        );
    }

    function put(uint256 amount) private {
        token.mint(address(this), amount);
        token.approve(address(deposits), amount);
        deposits.deposit(channel, amount);
    }

    function voucher(uint128 totalClaimed, uint128 most, uint256 key)
        private
        view
        returns (PayerDeposits.Charge memory)
    {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, deposits.voucherDigest(deposits.channelIdOf(channel), most));
        return PayerDeposits.Charge(channel, totalClaimed, most, abi.encodePacked(r, s, v));
    }

    /// @dev External, so that an expected revert is this call's.
    function charge(PayerDeposits.Charge memory request) public returns (uint128) {
        vm.prank(SUBMITTER);
        return deposits.charge(request);
    }

    function refused(bytes memory error, PayerDeposits.Charge memory request) private {
        vm.expectRevert(error);
        this.charge(request);
    }

    function balance() private view returns (uint128 left) {
        (left,,,) = deposits.channels(deposits.channelIdOf(channel));
    }

    function inPool() private view returns (uint128 deposited) {
        (deposited,,,,) = payouts.pools(poolId);
    }

    function test_charge_takesWhatWasUsed_intoThePool() public {
        put(1_000);
        require(charge(voucher(300, 1_000, PAYER_KEY)) == 300, "charged");
        require(balance() == 700 && inPool() == 300 && token.balanceOf(address(payouts)) == 300, "moved");
        require(charge(voucher(350, 1_000, PAYER_KEY)) == 50, "cumulative: the difference");
        require(balance() == 650 && inPool() == 350, "moved again");
    }

    function test_charge_again_takesNothing() public {
        put(1_000);
        charge(voucher(300, 1_000, PAYER_KEY));
        refused(abi.encodeWithSelector(PayerDeposits.NothingToCharge.selector, 300), voucher(300, 1_000, PAYER_KEY));
        refused(abi.encodeWithSelector(PayerDeposits.NothingToCharge.selector, 300), voucher(299, 300, PAYER_KEY));
        require(balance() == 700, "untouched");
    }

    function test_charge_beyondTheVoucher_refused() public {
        put(1_000);
        refused(abi.encodeWithSelector(PayerDeposits.ExceedsVoucher.selector, 300), voucher(301, 300, PAYER_KEY));
    }

    function test_charge_beyondTheDeposit_allOrNothing() public {
        put(100);
        refused(abi.encodeWithSelector(PayerDeposits.Uncovered.selector, 100), voucher(101, 1_000, PAYER_KEY));
        require(balance() == 100 && inPool() == 0, "nothing");
        put(1);
        require(charge(voucher(101, 1_000, PAYER_KEY)) == 101, "all, once it is covered");
    }

    function test_charge_withAnothersSignatureOrForAnotherChannel_refused() public {
        put(1_000);
        refused(abi.encodePacked(PayerDeposits.BadSignature.selector), voucher(300, 1_000, 0xB0B));
        PayerDeposits.Charge memory request = voucher(300, 1_000, PAYER_KEY);
        request.maxClaimableAmount = 1_001;
        refused(abi.encodePacked(PayerDeposits.BadSignature.selector), request);
        request = voucher(300, 1_000, PAYER_KEY);
        request.channel.salt = keccak256("another channel");
        refused(abi.encodePacked(PayerDeposits.BadSignature.selector), request);
    }

    function test_charge_byAnyoneButASubmitter_refused() public {
        put(1_000);
        PayerDeposits.Charge memory request = voucher(300, 1_000, PAYER_KEY);
        vm.expectRevert(abi.encodeWithSelector(OperatorAccess.NotSubmitter.selector, operatorId, address(this)));
        deposits.charge(request);
        ledger.setSuspended(operatorId, true);
        refused(abi.encodeWithSelector(OperatorAccess.Suspended.selector, operatorId), request);
    }

    function test_charge_byThePayersAuthorizer() public {
        channel.payerAuthorizer = vm.addr(0xB0B);
        put(1_000);
        refused(abi.encodePacked(PayerDeposits.BadSignature.selector), voucher(300, 1_000, PAYER_KEY));
        require(charge(voucher(300, 1_000, 0xB0B)) == 300, "the authorizer's word");
    }

    function test_charge_ofAContractPayer_byErc1271() public {
        ContractPayer account = new ContractPayer();
        channel.payer = address(account);
        put(1_000);
        PayerDeposits.Charge memory request = PayerDeposits.Charge(channel, 300, 1_000, "");
        refused(abi.encodePacked(PayerDeposits.BadSignature.selector), request);
        account.approve(deposits.voucherDigest(deposits.channelIdOf(channel), 1_000));
        require(charge(request) == 300, "the contract's word");
    }

    function test_chargeMany_passesOverUncoveredAndCharged() public {
        put(1_000);
        PayerDeposits.Charge[] memory requests = new PayerDeposits.Charge[](3);
        requests[0] = voucher(300, 1_000, PAYER_KEY);
        requests[1] = requests[0];
        channel.salt = keccak256("an empty channel");
        requests[2] = voucher(1, 1, PAYER_KEY);
        vm.prank(SUBMITTER);
        uint128[] memory amounts = deposits.chargeMany(operatorId, address(token), requests);
        require(amounts[0] == 300 && amounts[1] == 0 && amounts[2] == 0 && inPool() == 300, "one of three");
    }

    function test_chargeMany_ofAnotherOperator_refused() public {
        bytes32 other = register(address(0xAE), address(0x5D));
        PayerDeposits.Charge[] memory requests = new PayerDeposits.Charge[](1);
        put(1_000);
        requests[0] = voucher(300, 1_000, PAYER_KEY);
        vm.prank(address(0x5D));
        vm.expectRevert(PayerDeposits.OtherPool.selector);
        deposits.chargeMany(other, address(token), requests);
    }

    function test_withdraw_onlyAfterTheWholeDelay() public {
        put(1_000);
        vm.prank(payer);
        vm.expectRevert(PayerDeposits.NothingRequested.selector);
        deposits.withdraw(channel);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 400);
        uint40 ready = uint40(block.timestamp) + WITHDRAW_DELAY;
        vm.warp(ready - 1);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(PayerDeposits.NotYet.selector, ready));
        deposits.withdraw(channel);
        vm.warp(ready);
        vm.prank(payer);
        require(deposits.withdraw(channel) == 400 && token.balanceOf(payer) == 400, "the payer's");
        vm.prank(payer);
        vm.expectRevert(PayerDeposits.NothingRequested.selector);
        deposits.withdraw(channel);
    }

    function test_requestWithdrawal_again_waitsTheWholeDelayAgain() public {
        put(1_000);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 1);
        vm.warp(block.timestamp + WITHDRAW_DELAY);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 1_000);
        uint40 ready = uint40(block.timestamp) + WITHDRAW_DELAY;
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(PayerDeposits.NotYet.selector, ready));
        deposits.withdraw(channel);
    }

    function test_charge_whileAWithdrawalWaits_comesFirst() public {
        put(1_000);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 1_000);
        charge(voucher(300, 1_000, PAYER_KEY));
        vm.warp(block.timestamp + WITHDRAW_DELAY);
        vm.prank(payer);
        require(deposits.withdraw(channel) == 700, "what was left");
    }

    function test_withdrawal_takenBack_byARequestOfZero() public {
        put(1_000);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 1_000);
        vm.prank(payer);
        deposits.requestWithdrawal(channel, 0);
        vm.warp(block.timestamp + WITHDRAW_DELAY);
        vm.prank(payer);
        vm.expectRevert(PayerDeposits.NothingRequested.selector);
        deposits.withdraw(channel);
    }

    function test_withdrawal_byAnyoneButThePayer_refused() public {
        put(1_000);
        bytes32 id = deposits.channelIdOf(channel);
        vm.prank(SUBMITTER);
        vm.expectRevert(abi.encodeWithSelector(PayerDeposits.NotPayer.selector, id, SUBMITTER));
        deposits.requestWithdrawal(channel, 1);
        vm.prank(SUBMITTER);
        vm.expectRevert(abi.encodeWithSelector(PayerDeposits.NotPayer.selector, id, SUBMITTER));
        deposits.withdraw(channel);
    }

    function testFuzz_deposit_delayOutsideItsBounds_refused(uint40 delay) public {
        channel.withdrawDelay = delay;
        if (delay < 15 minutes || delay > 30 days) vm.expectRevert(PayerDeposits.InvalidChannel.selector);
        this.depositNothing();
    }

    function depositNothing() external {
        deposits.deposit(channel, 0);
    }

    function test_feeToken_whatArrivedCounts_onBothWays() public {
        FeeToken fee = new FeeToken();
        open(operatorId, ADMIN, address(fee));
        channel.token = address(fee);
        fee.mint(address(this), 1_000);
        fee.approve(address(deposits), 1_000);
        deposits.deposit(channel, 1_000);
        require(balance() == 990, "arrived");
        charge(voucher(100, 100, PAYER_KEY));
        (uint128 deposited,,,,) = payouts.pools(payouts.poolIdOf(operatorId, address(fee)));
        require(balance() == 890 && deposited == 99, "the pool has what arrived");
        require(fee.balanceOf(address(deposits)) == 890, "solvent");
    }

    function test_hookToken_cannotComeBackIn() public {
        HookToken hook = new HookToken();
        open(operatorId, ADMIN, address(hook));
        channel.token = address(hook);
        hook.mint(address(this), 1_000);
        hook.approve(address(deposits), 1_000);
        hook.hook(address(deposits), abi.encodeCall(PayerDeposits.deposit, (channel, 0)));
        deposits.deposit(channel, 1_000);
        require(hook.called() && !hook.succeeded() && balance() == 1_000, "deposit within deposit");
        channel.payer = address(hook); // a payer that is the token itself, so that its hook may withdraw
        hook.hook(address(0), "");
        deposits.deposit(channel, 0);
        hook.mint(address(this), 500);
        hook.approve(address(deposits), 500);
        deposits.deposit(channel, 500);
        vm.prank(address(hook));
        deposits.requestWithdrawal(channel, 500);
        vm.warp(block.timestamp + WITHDRAW_DELAY);
        hook.hook(address(deposits), abi.encodeCall(PayerDeposits.withdraw, (channel)));
        vm.prank(address(hook));
        require(deposits.withdraw(channel) == 500, "once");
        require(hook.called() && !hook.succeeded() && hook.balanceOf(address(deposits)) == 1_000, "only once");
    }

    function test_otherDomain_otherSignature() public view {
        bytes32 id = deposits.channelIdOf(channel);
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLoRA PayerDeposits"),
                keccak256("1"),
                block.chainid,
                address(deposits)
            )
        );
        bytes32 structHash =
            keccak256(abi.encode(keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"), id, 7));
        require(
            deposits.voucherDigest(id, 7) == keccak256(abi.encodePacked("\x19\x01", separator, structHash)), "EIP-712"
        );
    }

    function testFuzz_deposits_ofEighteenDecimals(uint128 amount, uint128 used) public {
        vm.assume(amount > 0);
        used = uint128(used % amount) + 1;
        token = new PlainToken(18);
        poolId = open(operatorId, ADMIN, address(token));
        channel.token = address(token);
        put(amount);
        charge(voucher(used, type(uint128).max, PAYER_KEY));
        require(balance() == amount - used && inPool() == used, "conserved");
    }
}
