package org.openlora.meter.merkle;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.openlora.meter.evm.Bytes32;

/// OpenZeppelin's standard tree: leaves sorted ascending, laid out as a complete binary tree in one array with
/// the root at 0 and the smallest leaf at the end, each inner node the hash of its sorted children.
public final class MerkleTree {
    public static final String FORMAT = "standard-v1";
    private static final JsonMapper JSON = new JsonMapper();

    private final Bytes32[] nodes; // [2 * leaves - 1]
    private final int[] nodeOfLeaf; // [leaves], in the caller's order

    private MerkleTree(Bytes32[] nodes, int[] nodeOfLeaf) {
        this.nodes = nodes;
        this.nodeOfLeaf = nodeOfLeaf;
    }

    /// Builds the tree over leaf hashes, in any order.
    ///
    /// @throws IllegalArgumentException for an empty list or a repeated leaf
    public static MerkleTree of(List<Bytes32> leaves) {
        if (leaves.isEmpty()) {
            throw new IllegalArgumentException("a Merkle tree needs at least one leaf");
        }
        Integer[] order = new Integer[leaves.size()];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparing(leaves::get));
        Bytes32[] nodes = new Bytes32[2 * leaves.size() - 1];
        int[] nodeOfLeaf = new int[leaves.size()];
        for (int rank = 0; rank < order.length; rank++) {
            Bytes32 leaf = leaves.get(order[rank]);
            if (rank > 0 && leaf.equals(leaves.get(order[rank - 1]))) {
                throw new IllegalArgumentException(
                        "leaf " + leaf + " occurs twice, at indices " + order[rank - 1] + " and " + order[rank]);
            }
            int node = nodes.length - 1 - rank;
            nodes[node] = leaf;
            nodeOfLeaf[order[rank]] = node;
        }
        for (int node = leaves.size() - 2; node >= 0; node--) {
            nodes[node] = MerkleProof.parent(nodes[2 * node + 1], nodes[2 * node + 2]);
        }
        return new MerkleTree(nodes, nodeOfLeaf);
    }

    public Bytes32 root() {
        return nodes[0];
    }

    /// Number of leaves.
    public int size() {
        return nodeOfLeaf.length;
    }

    /// Proof of the leaf at this index of the list that the tree was built from.
    public MerkleProof proof(int leafIndex) {
        List<Bytes32> siblings = new ArrayList<>();
        for (int node = nodeOfLeaf[leafIndex]; node > 0; node = (node - 1) / 2) {
            siblings.add(nodes[node % 2 == 0 ? node - 1 : node + 1]);
        }
        return new MerkleProof(siblings);
    }

    /// The dump that `StandardMerkleTree.load` of `@openzeppelin/merkle-tree` reads.
    ///
    /// @param leafEncoding ABI types of the columns
    /// @param values columns of each leaf, in the order of the list that the tree was built from
    public String dump(List<String> leafEncoding, List<List<String>> values) {
        if (values.size() != size()) {
            throw new IllegalArgumentException("dump needs " + size() + " values, not " + values.size());
        }
        ObjectNode dump = JSON.createObjectNode().put("format", FORMAT);
        ArrayNode types = dump.putArray("leafEncoding");
        leafEncoding.forEach(types::add);
        ArrayNode tree = dump.putArray("tree");
        for (Bytes32 node : nodes) {
            tree.add(node.toString());
        }
        ArrayNode rows = dump.putArray("values");
        for (int i = 0; i < values.size(); i++) {
            ObjectNode row = rows.addObject();
            ArrayNode columns = row.putArray("value");
            values.get(i).forEach(columns::add);
            row.put("treeIndex", nodeOfLeaf[i]);
        }
        return dump.toString();
    }
}
