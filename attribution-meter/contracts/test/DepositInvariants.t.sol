// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PayerDeposits} from "../src/PayerDeposits.sol";
import {Scenario} from "./Scenario.sol";
import {PlainToken} from "./Tokens.sol";
import {vm, within} from "./Vm.sol";

/// @dev Three payers with a channel each, and an operator that charges them, all as they like.
contract DepositActor {
    uint256 public constant PAYERS = 3;
    uint256 private constant KEY = 0xA11CE;

    PayerDeposits private immutable deposits;
    PlainToken private immutable token;
    address private immutable submitter;
    PayerDeposits.ChannelConfig[] private channels;

    mapping(uint256 payer => uint256) private requestedAt;
    mapping(uint256 payer => uint128) private signed;
    mapping(uint256 payer => uint128) private leastClaimed;

    uint256 public put;
    uint256 public takenBack;
    string public violation;

    constructor(PayerDeposits deposits_, PlainToken token_, bytes32 operatorId, address submitter_) {
        (deposits, token, submitter) = (deposits_, token_, submitter_);
        for (uint256 i; i < PAYERS; ++i) {
            uint40 delay = uint40(15 minutes + i * 1 hours);
            channels.push(
                PayerDeposits.ChannelConfig(vm.addr(KEY + i), address(0), operatorId, address(token_), delay, 0)
            );
        }
    }

    modifier watched() {
        _;
        for (uint256 i; i < PAYERS; ++i) {
            (, uint128 total,,) = deposits.channels(deposits.channelIdOf(channels[i]));
            if (total < leastClaimed[i]) violation = "a cumulative charge fell";
            if (total > signed[i]) violation = "more was charged than any voucher allows";
            leastClaimed[i] = total;
        }
    }

    function channelId(uint256 payer) external view returns (bytes32) {
        return deposits.channelIdOf(channels[payer]);
    }

    function deposit(uint256 payer, uint64 amount) external watched {
        payer %= PAYERS;
        token.mint(address(this), amount);
        token.approve(address(deposits), amount);
        deposits.deposit(channels[payer], amount);
        put += amount;
    }

    function request(uint256 payer, uint64 amount) external watched {
        payer %= PAYERS;
        vm.prank(channels[payer].payer);
        deposits.requestWithdrawal(channels[payer], amount);
        requestedAt[payer] = block.timestamp;
    }

    function withdraw(uint256 payer) external watched {
        payer %= PAYERS;
        uint256 before = token.balanceOf(channels[payer].payer);
        vm.prank(channels[payer].payer);
        uint128 amount = deposits.withdraw(channels[payer]);
        if (block.timestamp < requestedAt[payer] + channels[payer].withdrawDelay) violation = "withdrawn too soon";
        if (token.balanceOf(channels[payer].payer) != before + amount) violation = "another amount was withdrawn";
        takenBack += amount;
    }

    function wait(uint32 time) external watched {
        vm.warp(block.timestamp + within(time, 1, 3 hours));
    }

    /// @dev The voucher may be the payer's or another's, and allow less than is charged.
    function charge(uint256 payer, uint64 total, uint64 most, bool honest) external watched {
        payer %= PAYERS;
        if (honest) {
            (uint128 balance, uint128 before,,) = deposits.channels(deposits.channelIdOf(channels[payer]));
            total = uint64(within(total, before, uint256(before) + balance));
            most = total;
        }
        uint256 key = honest || total % 8 != 0 ? KEY + payer : KEY + payer + 1;
        bytes32 digest = deposits.voucherDigest(deposits.channelIdOf(channels[payer]), most);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        if (key == KEY + payer && most > signed[payer]) signed[payer] = most;
        PayerDeposits.Charge[] memory requests = new PayerDeposits.Charge[](1);
        requests[0] = PayerDeposits.Charge(channels[payer], total, most, abi.encodePacked(r, s, v));
        bytes32 operatorId = channels[payer].operatorId;
        vm.prank(submitter);
        if (total % 2 == 0) deposits.charge(requests[0]);
        else deposits.chargeMany(operatorId, address(token), requests);
    }
}

/// @dev forge calls the actor at random and checks after each call.
contract DepositInvariantsTest is Scenario {
    DepositActor private actor;

    function setUp() public override {
        super.setUp();
        actor = new DepositActor(deposits, token, operatorId, SUBMITTER);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_channelsHold() public view {
        require(bytes(actor.violation()).length == 0, actor.violation());
        everyUnitIsSomewhere();
    }

    function everyUnitIsSomewhere() private view {
        uint256 held;
        uint256 charged;
        for (uint256 i; i < actor.PAYERS(); ++i) {
            (uint128 balance, uint128 total,,) = deposits.channels(actor.channelId(i));
            held += balance;
            charged += total;
        }
        require(token.balanceOf(address(deposits)) == held, "the contract holds the channels' balances");
        (uint128 pooled,,,,) = payouts.pools(poolId);
        require(pooled == charged && token.balanceOf(address(payouts)) == charged, "charges are in the pool");
        require(actor.put() == held + charged + actor.takenBack(), "in = held + charged + taken back");
    }
}
