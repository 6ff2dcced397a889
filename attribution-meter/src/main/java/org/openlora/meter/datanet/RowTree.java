package org.openlora.meter.datanet;

import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;

/// The Merkle tree over the rows of a datanet: whoever holds one row can show with a short proof that it stands
/// in a datanet whose root is known. The tree is OpenZeppelin's `StandardMerkleTree` over the columns
/// `["uint256", "bytes32", "bytes32"]`: the row's number from 0, the contributor's hash, and the keccak256 of
/// the row's canonical JSON. The number keeps equal rows apart.
public final class RowTree {
    /// ABI types of a leaf's columns.
    public static final List<String> LEAF_ENCODING = List.of("uint256", "bytes32", "bytes32");

    private final List<Bytes32> leaves = new ArrayList<>();

    /// Adds the next row.
    void add(Bytes32 contributor, byte[] json) {
        leaves.add(leaf(leaves.size(), contributor, Keccak256.hash(json)));
    }

    /// The tree over the rows that were added.
    MerkleTree build() {
        return MerkleTree.of(leaves);
    }

    /// The tree of a datanet.
    public static MerkleTree of(Datanet datanet) {
        RowTree tree = new RowTree();
        for (DatanetRow row : datanet.rows()) {
            Bytes32 contributor = datanet.contributors().get(row.contributor()).hash();
            tree.add(contributor, new RowJson(contributor, row.prompt(), row.text()).bytes());
        }
        return tree.build();
    }

    /// The columns of a row's leaf, as text.
    public static List<String> columns(Datanet datanet, int number) {
        DatanetRow row = datanet.rows().get(number);
        Bytes32 contributor = datanet.contributors().get(row.contributor()).hash();
        byte[] json = new RowJson(contributor, row.prompt(), row.text()).bytes();
        return List.of(
                Integer.toString(number),
                contributor.toString(),
                Keccak256.hash(json).toString());
    }

    /// keccak256(keccak256(abi.encode(row, contributor, content))).
    ///
    /// @param content keccak256 of the row's canonical JSON
    static Bytes32 leaf(int row, Bytes32 contributor, Bytes32 content) {
        Bytes32 number = new Bytes32(0, 0, 0, row);
        return Keccak256.hash(Keccak256.hash(number.bytes(), contributor.bytes(), content.bytes())
                .bytes());
    }
}
