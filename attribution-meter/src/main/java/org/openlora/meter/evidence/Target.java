package org.openlora.meter.evidence;

import java.util.Comparator;
import org.openlora.meter.evm.Bytes32;

/// Whom a part of a response is attributed to. Ordered by kind, datanet, contributor.
///
/// @param datanet index into [AttributionRecord#datanets], or [#NO_DATANET] for the treasury where no lineage is
///     known
/// @param contributor salted hash; zero unless the kind is a contributor
public record Target(Kind kind, int datanet, Bytes32 contributor) implements Comparable<Target> {
    /// The datanet of a treasury target that stands for "no lineage".
    public static final int NO_DATANET = -1;

    private static final Comparator<Target> ORDER = Comparator.comparing(Target::kind)
            .thenComparingLong((Target target) -> Integer.toUnsignedLong(target.datanet()))
            .thenComparing((Target target) -> target.contributor());

    /// Ordered by code.
    public enum Kind {
        /// By evidence: the writer of a row that the text stands in.
        CONTRIBUTOR(0),
        /// By prior, or cut off by a cap: all contributors of a datanet together.
        POOL(1),
        /// No lineage, or a datanet that is retired or missing.
        TREASURY(2);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        /// The number in the record's bytes.
        public int code() {
            return code;
        }

        /// @throws IllegalArgumentException for a number that is no kind
        static Kind ofCode(int code) {
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            throw new IllegalArgumentException(
                    "target kind " + code + ": allowed are 0 contributor, 1 pool, 2 treasury");
        }
    }

    static Target contributor(int datanet, Bytes32 contributor) {
        return new Target(Kind.CONTRIBUTOR, datanet, contributor);
    }

    static Target pool(int datanet) {
        return new Target(Kind.POOL, datanet, Bytes32.ZERO);
    }

    static Target treasury(int datanet) {
        return new Target(Kind.TREASURY, datanet, Bytes32.ZERO);
    }

    @Override
    public int compareTo(Target other) {
        return ORDER.compare(this, other);
    }
}
