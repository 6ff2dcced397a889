package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.TokenIds;

/// The salted hashes that receipts carry, against those that Node's crypto computed.
class TokenHashVectorsTest {
    private static final ReceiptVectors VECTORS = ReceiptVectors.read();

    @Test
    void tokenHashes_ofVectors_equalThoseOfNode() {
        Bytes32 salt = VECTORS.word("/tokenHashes/salt");
        TokenIds ids =
                TokenIds.of(JsonMembers.MAPPER.convertValue(VECTORS.json().at("/tokenHashes/tokenIds"), int[].class));
        assertThat(TokenHashes.prompt(salt, ids)).isEqualTo(VECTORS.word("/tokenHashes/prompt"));
        assertThat(TokenHashes.output(salt, ids)).isEqualTo(VECTORS.word("/tokenHashes/output"));
        assertThat(TokenHashes.output(salt, TokenIds.of())).isEqualTo(VECTORS.word("/tokenHashes/emptyOutput"));
    }
}
