package org.openlora.meter.evidence;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.evm.Bytes32;

/// The scorer's versions. A usage row names the one that scores it, for ever: receipts of an older version can be
/// recomputed and disputed like those of today. A change of any result is a new version.
public enum ScorerVersion {
    /// Evidence split evenly over rows, a cap for each contributor.
    V1(parts("normalised-text/1", "exact-span/1", "lineage-unigram-log2-q16/1")),
    /// Passages belong to the datanet that registered them first, repeating one brings nobody more, all of a
    /// response's evidence has one cap, and what rounding leaves is never a contributor's.
    V2(parts(NearDuplicates.RULE, "exact-span/2", "lineage-unigram-log2-q16/2")
            .put("cap", "whole-evidence/1")
            .put("split", "replication-robust/1"));

    /// What rows are committed with now.
    public static final ScorerVersion CURRENT = V2;

    @SuppressWarnings("ImmutableEnumChecker") // It is; it does not say so in that checker's words.
    private final Bytes32 id;

    ScorerVersion(ObjectNode parts) {
        this.id = Sha256.domain("openlora/scorer/v1")
                .prefixed(CanonicalJson.bytes(parts))
                .digest();
    }

    private static ObjectNode parts(String copies, String evidence, String rarity) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("copies", copies)
                .put("evidence", evidence)
                .put("prior", "lineage-by-scale/1")
                .put("rarity", rarity);
    }

    /// What receipts and usage rows name it by.
    public Bytes32 id() {
        return id;
    }

    /// @throws IllegalArgumentException for an id that is none of ours, naming those that are
    public static ScorerVersion of(Bytes32 id) {
        return Arrays.stream(values())
                .filter(version -> version.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "scorer %s is not known to this program, which knows %s".formatted(Sha256.text(id), known())));
    }

    private static String known() {
        return Arrays.stream(values()).map(version -> Sha256.text(version.id)).collect(Collectors.joining(", "));
    }
}
