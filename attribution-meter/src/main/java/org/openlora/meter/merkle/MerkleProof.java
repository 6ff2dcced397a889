package org.openlora.meter.merkle;

import java.util.List;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// The sibling hashes from a leaf up to the root; empty for a tree of one leaf.
public record MerkleProof(List<Bytes32> siblings) {
    public MerkleProof {
        siblings = List.copyOf(siblings);
    }

    /// Whether the leaf (already hashed) leads to the root.
    public boolean verify(Bytes32 root, Bytes32 leaf) {
        Bytes32 node = leaf;
        for (Bytes32 sibling : siblings) {
            node = parent(node, sibling);
        }
        return node.equals(root);
    }

    /// keccak256 of the two children, the smaller one first.
    static Bytes32 parent(Bytes32 left, Bytes32 right) {
        byte[] pair = new byte[2 * Bytes32.SIZE_BYTES];
        boolean ascending = left.compareTo(right) <= 0;
        (ascending ? left : right).writeTo(pair, 0);
        (ascending ? right : left).writeTo(pair, Bytes32.SIZE_BYTES);
        return Keccak256.hash(pair);
    }
}
