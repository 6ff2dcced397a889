// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PayoutClaims} from "../src/PayoutClaims.sol";
import {Scenario} from "./Scenario.sol";
import {PlainToken} from "./Tokens.sol";
import {Tree} from "./Tree.sol";
import {vm, within} from "./Vm.sol";

/// @dev What anyone may do to two pools of one token, in any order: honest and dishonest rounds, funding, surplus,
/// disabling, waiting, and claims of every round ever posted. What must never happen is noted as it happens.
contract PayoutActor {
    uint256 public constant PAYEES = 4;
    uint256 private constant ACCOUNTS = 0xACC0;
    address private constant GUARDIAN = address(0x6A);

    struct Posted {
        uint256[] amounts;
        bytes32[] nodes;
        uint256 postedAt;
        bool disabled;
    }

    PayoutClaims private immutable payouts;
    PlainToken private immutable token;
    uint32 private immutable delay;
    bytes32[2] private operators;
    address[2] private admins;
    address[2] private submitters;

    mapping(uint256 pool => Posted[]) private posted;
    mapping(uint256 pool => uint256) private leastClaimableTotal;
    mapping(uint256 pool => mapping(address => uint256)) public received;
    mapping(uint256 pool => mapping(address => uint256)) private leastClaimed;

    string public violation;
    uint256 public claims;

    constructor(
        PayoutClaims payouts_,
        PlainToken token_,
        uint32 delay_,
        bytes32[2] memory operators_,
        address[2] memory admins_,
        address[2] memory submitters_
    ) {
        (payouts, token, delay) = (payouts_, token_, delay_);
        (operators, admins, submitters) = (operators_, admins_, submitters_);
    }

    modifier watched() {
        _;
        for (uint256 pool; pool < 2; ++pool) {
            bytes32 id = payouts.poolIdOf(operators[pool], address(token));
            (,, uint128 total) = payouts.claimableRound(id);
            if (total < leastClaimableTotal[pool]) violation = "the claimable total fell";
            leastClaimableTotal[pool] = total;
            for (uint256 i; i < PAYEES; ++i) {
                uint256 now_ = payouts.claimed(id, payee(i));
                if (now_ < leastClaimed[pool][payee(i)]) violation = "a cumulative claim fell";
                leastClaimed[pool][payee(i)] = now_;
            }
        }
    }

    function payee(uint256 index) public pure returns (address) {
        return address(uint160(ACCOUNTS + index));
    }

    function fund(uint256 pool, uint64 amount) external watched {
        pool %= 2;
        token.mint(address(this), amount);
        token.approve(address(payouts), amount);
        payouts.fund(operators[pool], address(token), amount);
    }

    function takeSurplus(uint256 pool, uint64 amount) external watched {
        pool %= 2;
        vm.prank(admins[pool]);
        payouts.withdrawSurplus(operators[pool], address(token), amount, admins[pool]);
    }

    /// @dev Each payee's amount is anything; the total may be less than their sum, or more.
    function post(uint256 pool, uint64[4] memory amounts, uint64 total, bool honest) external watched {
        pool %= 2;
        bytes32 id = payouts.poolIdOf(operators[pool], address(token));
        (,, uint128 least) = payouts.claimableRound(id);
        (uint128 deposited,,,, uint64 rounds) = payouts.pools(id);
        Posted storage round = posted[pool].push();
        uint256 sum;
        bytes32[] memory leaves = new bytes32[](PAYEES);
        for (uint256 i; i < PAYEES; ++i) {
            uint256 amount = honest ? within(amounts[i], 0, (deposited - sum) / 2) : amounts[i];
            leaves[i] = payouts.leafOf(id, payee(i), amount);
            round.amounts.push(amount);
            sum += amount;
        }
        round.nodes = Tree.build(leaves);
        round.postedAt = block.timestamp;
        uint256 stated = honest ? (sum > least ? sum : least) : within(total, 0, deposited + 1);
        vm.prank(submitters[pool]);
        payouts.postRound(operators[pool], address(token), rounds + 1, round.nodes[0], uint128(stated), 0);
    }

    function disable(uint256 pool, bool byAdmin, uint8 mood) external watched {
        if (mood % 4 != 0) return; // most rounds live
        pool %= 2;
        bytes32 id = payouts.poolIdOf(operators[pool], address(token));
        (,,,, uint64 last) = payouts.pools(id);
        vm.prank(byAdmin ? admins[pool] : GUARDIAN);
        payouts.disableRound(operators[pool], address(token), last);
        Posted storage round = posted[pool][last - 1];
        if (block.timestamp >= round.postedAt + delay) violation = "an active round was disabled";
        round.disabled = true;
    }

    function wait(uint32 time) external watched {
        vm.warp(block.timestamp + within(time, 1, 2 * delay));
    }

    /// @dev A claim of any round that was ever posted, against its own root.
    function claim(uint256 pool, uint256 number, uint256 index, bool elsewhere) external watched {
        pool %= 2;
        index %= PAYEES;
        Posted storage round = posted[pool][number % posted[pool].length];
        address to = payee(index);
        uint256 before = token.balanceOf(to);
        uint256 target = elsewhere ? 1 - pool : pool;
        payouts.claim(
            operators[target], address(token), to, round.amounts[index], round.nodes[0], Tree.proof(round.nodes, index)
        );
        ++claims;
        if (elsewhere) violation = "a proof held in another pool";
        if (round.disabled) violation = "a disabled round was claimed";
        if (block.timestamp < round.postedAt + delay) violation = "a round was claimed before its delay";
        received[pool][to] += token.balanceOf(to) - before;
    }

    /// @dev The claimable round's, so that most sequences of calls do pay somebody.
    function claimCurrent(uint256 pool, uint256 index) external watched {
        pool %= 2;
        (uint64 number,,) = payouts.claimableRound(payouts.poolIdOf(operators[pool], address(token)));
        this.claim(pool, number - 1, index, false);
    }
}

/// @dev forge calls the actor at random and checks after each call.
contract PayoutInvariantsTest is Scenario {
    PayoutActor private actor;
    bytes32[2] private poolIds;

    function setUp() public override {
        super.setUp();
        bytes32 other = register(address(0xAE), address(0x5D));
        poolIds = [poolId, open(other, address(0xAE), address(token))];
        actor = new PayoutActor(
            payouts, token, DELAY, [operatorId, other], [ADMIN, address(0xAE)], [SUBMITTER, address(0x5D)]
        );
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_poolsHold() public view {
        require(bytes(actor.violation()).length == 0, actor.violation());
        solvent();
        everyoneGotExactlyWhatIsBooked();
    }

    function solvent() private view {
        uint256 owed;
        for (uint256 i; i < 2; ++i) {
            (uint128 deposited, uint128 claimed,,,) = payouts.pools(poolIds[i]);
            (,, uint128 claimable) = payouts.claimableRound(poolIds[i]);
            require(claimed <= claimable, "claimed <= claimable total");
            require(claimable <= payouts.allocated(poolIds[i]), "claimable total <= allocated");
            require(payouts.allocated(poolIds[i]) <= deposited, "allocated <= deposited");
            owed += deposited - claimed;
        }
        require(token.balanceOf(address(payouts)) == owed, "the contract holds what the pools say");
    }

    function everyoneGotExactlyWhatIsBooked() private view {
        for (uint256 pool; pool < 2; ++pool) {
            uint256 sum;
            for (uint256 i; i < actor.PAYEES(); ++i) {
                uint256 booked = payouts.claimed(poolIds[pool], actor.payee(i));
                require(actor.received(pool, actor.payee(i)) == booked, "received = booked");
                sum += booked;
            }
            (, uint128 claimed,,,) = payouts.pools(poolIds[pool]);
            require(sum == claimed, "sum of claims = the pool's");
        }
    }
}
