package org.openlora.meter.merkle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptVectors;

class MerkleTreeTest {
    @Test
    void tree_ofVectors_hasRootAndProofsOfOpenZeppelin() {
        ReceiptVectors vectors = ReceiptVectors.read();
        List<Bytes32> leaves = vectors.words("leaf");
        MerkleTree tree = MerkleTree.of(leaves);
        assertThat(tree.root()).isEqualTo(vectors.word("/root"));
        for (int i = 0; i < leaves.size(); i++) {
            List<Bytes32> siblings = new ArrayList<>();
            for (JsonNode sibling : vectors.json().at("/receipts/" + i + "/proof")) {
                siblings.add(Bytes32.parse(sibling.asText()));
            }
            assertThat(tree.proof(i).siblings()).isEqualTo(siblings);
        }
    }

    @Test
    void proof_everySizeAndLeaf_verifiesOnlyItsOwnLeaf() {
        Random random = new Random(3);
        for (int size = 1; size <= 33; size++) {
            List<Bytes32> leaves = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                leaves.add(ReceiptFixtures.word(random));
            }
            MerkleTree tree = MerkleTree.of(leaves);
            assertThat(tree.size()).isEqualTo(size);
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    assertThat(tree.proof(i).verify(tree.root(), leaves.get(j))).isEqualTo(i == j);
                }
            }
        }
    }

    @Test
    void proof_anyBitFlipped_fails() {
        Random random = new Random(4);
        List<Bytes32> leaves = java.util.stream.Stream.generate(() -> ReceiptFixtures.word(random))
                .limit(9)
                .toList();
        MerkleTree tree = MerkleTree.of(leaves);
        MerkleProof proof = tree.proof(4);
        assertThat(proof.verify(tree.root(), leaves.get(4))).isTrue();
        for (int sibling = 0; sibling < proof.siblings().size(); sibling++) {
            for (int bit = 0; bit < 256; bit++) {
                List<Bytes32> changed = new ArrayList<>(proof.siblings());
                byte[] bytes = changed.get(sibling).bytes();
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
                changed.set(sibling, Bytes32.of(bytes));
                assertThat(new MerkleProof(changed).verify(tree.root(), leaves.get(4)))
                        .isFalse();
            }
        }
    }

    @Test
    void of_noLeafOrRepeatedLeaf_refused() {
        Bytes32 leaf = new Bytes32(1, 2, 3, 4);
        assertThatThrownBy(() -> MerkleTree.of(List.of())).hasMessageContaining("at least one leaf");
        assertThatThrownBy(() -> MerkleTree.of(List.of(leaf, Bytes32.ZERO, leaf)))
                .hasMessageContaining(leaf + " occurs twice, at indices 0 and 2");
    }

    @Test
    void of_leavesInAnyOrder_sameRoot() {
        List<Bytes32> leaves = new ArrayList<>(ReceiptVectors.read().words("leaf"));
        Bytes32 root = MerkleTree.of(leaves).root();
        java.util.Collections.shuffle(leaves, new Random(5));
        assertThat(MerkleTree.of(leaves).root()).isEqualTo(root);
    }
}
