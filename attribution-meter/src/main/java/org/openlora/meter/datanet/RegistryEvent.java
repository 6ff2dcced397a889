package org.openlora.meter.datanet;

import java.nio.charset.StandardCharsets;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Something that happened to a registered datanet; entries are never changed or removed.
///
/// @param id ascending in the order of events
/// @param datanet the datanet's digest
/// @param body canonical JSON of what changed
/// @param hash binds this event and, through the one before, all earlier ones
public record RegistryEvent(long id, long atMillis, Bytes32 datanet, Kind kind, String body, Bytes32 hash) {
    /// What can happen.
    public enum Kind {
        /// A version was registered; the body names all that identifies it.
        REGISTERED,
        /// Its title changed.
        TITLE,
        /// Its licence changed.
        LICENCE,
        /// A contributor without rows was added, or a contributor's name changed.
        CONTRIBUTOR,
        /// A contributor is paid at another address from now on.
        PAYEE,
        /// The version is no longer served or credited; the body says by whom and why.
        RETIRED
    }

    /// SHA-256 of `lp("openlora/datanet-event/v1") ‖ hash of the event before (zero for the first) ‖ u64 time ‖
    /// datanet digest ‖ lp(kind) ‖ lp(body)`.
    static Bytes32 hash(Bytes32 previous, long atMillis, Bytes32 datanet, Kind kind, String body) {
        return Sha256.domain("openlora/datanet-event/v1")
                .word(previous)
                .u64(atMillis)
                .word(datanet)
                .prefixed(kind.name().getBytes(StandardCharsets.UTF_8))
                .prefixed(body.getBytes(StandardCharsets.UTF_8))
                .digest();
    }

    /// Whether the event says what it said when it was written, behind this one.
    boolean follows(Bytes32 previous) {
        return hash.equals(hash(previous, atMillis, datanet, kind, body));
    }
}
