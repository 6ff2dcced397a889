// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A complete binary tree in one array, parents the hash of their sorted children.
library Tree {
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](2 * leaves.length - 1);
        for (uint256 i; i < leaves.length; ++i) {
            nodes[nodes.length - 1 - i] = leaves[i];
        }
        for (uint256 i = leaves.length - 1; i > 0; --i) {
            (bytes32 left, bytes32 right) = (nodes[2 * i - 1], nodes[2 * i]);
            nodes[i - 1] = left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
        }
    }

    function proof(bytes32[] memory nodes, uint256 leaf) internal pure returns (bytes32[] memory siblings) {
        uint256 depth;
        for (uint256 node = nodes.length - 1 - leaf; node > 0; node = (node - 1) / 2) {
            ++depth;
        }
        siblings = new bytes32[](depth);
        uint256 i;
        for (uint256 node = nodes.length - 1 - leaf; node > 0; node = (node - 1) / 2) {
            siblings[i++] = nodes[node % 2 == 0 ? node - 1 : node + 1];
        }
    }
}
