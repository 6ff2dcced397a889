package org.openlora.server.trace;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Whose text an answer is, by its receipt.
///
/// @param requestId as receipts name it
/// @param seq of the receipt in its stream
/// @param servedAt ISO 8601, UTC
/// @param scorer id of the scorer's version
/// @param price decimal, of the settlement token's whole unit
/// @param lambda the part of a covered token that evidence decides, 0 to 1
/// @param thresholdBits a passage counts from this information content on
/// @param tokens of the answer, the one that ended it too
/// @param evidenceTokens that a passage of a datanet covers
/// @param echoTokens that repeat the prompt
/// @param textMissing why there is no text; null where there is
/// @param pieces of the answer in order, all of it; their texts are empty where there is no text
/// @param notes whose text it is, numbered from 1 in the order of their first piece
/// @param payments of the receipt, in its order
public record Trace(
        String requestId,
        long seq,
        String servedAt,
        String baseDigest,
        List<String> adapters,
        String scorer,
        String price,
        double lambda,
        int thresholdBits,
        int tokens,
        int evidenceTokens,
        int echoTokens,
        @Nullable String textMissing,
        List<Piece> pieces,
        List<Note> notes,
        List<Payee> payments) {
    public Trace {
        adapters = List.copyOf(adapters);
        pieces = List.copyOf(pieces);
        notes = List.copyOf(notes);
        payments = List.copyOf(payments);
    }

    /// Whom a piece belongs to.
    public enum Kind {
        /// It stands in rows of datanets.
        EVIDENCE,
        /// Nowhere: the adapters' declared training mix decides.
        PRIOR,
        /// It repeats the prompt, and is nobody's by evidence.
        ECHO
    }

    /// Tokens next to each other that belong to the same.
    ///
    /// @param start first token
    /// @param notes numbers of those whose text it is
    public record Piece(Kind kind, int start, int tokens, String text, List<Integer> notes) {
        public Piece {
            notes = List.copyOf(notes);
        }
    }

    /// A contributor whose text stands in the answer.
    ///
    /// @param name as the datanet gives it, or the hash where the datanet is not at hand
    /// @param contributor salted hash
    /// @param share of the response in parts of one, by evidence and after the cap
    /// @param paid decimal, by this receipt
    public record Note(
            int number,
            String name,
            String contributor,
            String datanet,
            String datanetTitle,
            String licence,
            double share,
            String paid,
            List<Passage> passages) {
        public Note {
            passages = List.copyOf(passages);
        }
    }

    /// A passage of the answer and a row that holds it.
    ///
    /// @param start first token
    /// @param bits information content
    /// @param row in the datanet, from 0
    /// @param rows how many rows hold it, copies counted once
    /// @param rowText of that row; null where it is not at hand
    public record Passage(
            int start,
            int tokens,
            double bits,
            int row,
            int rows,
            @Nullable String rowText) {}

    /// A payment of the receipt.
    ///
    /// @param role of the payee
    /// @param what for, in words
    /// @param amount decimal
    /// @param share of the price, in parts of one
    public record Payee(String role, String what, String address, String amount, double share) {}
}
