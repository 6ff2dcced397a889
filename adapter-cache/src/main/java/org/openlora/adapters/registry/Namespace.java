package org.openlora.adapters.registry;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.adapters.Utf8;

/// The names of one owner: of the folders under the root, or of a tenant. Found by name and by digest without
/// scanning. Many may look up while one thread at a time changes it.
final class Namespace {
    private record Content(Digest digest, String name) {}

    private static final Comparator<Content> BY_DIGEST_AND_NAME =
            Comparator.comparing(Content::digest).thenComparing(Content::name, Utf8.BYTE_ORDER);

    private final ConcurrentNavigableMap<String, AdapterEntry> byName = new ConcurrentSkipListMap<>(Utf8.BYTE_ORDER);
    private final ConcurrentNavigableMap<Content, AdapterVersion> byDigest =
            new ConcurrentSkipListMap<>(BY_DIGEST_AND_NAME);

    @Nullable
    AdapterEntry find(String name) {
        return byName.get(name);
    }

    /// The versions of this content, by name.
    Stream<AdapterVersion> find(Digest digest) {
        return byDigest.tailMap(new Content(digest, "")).values().stream()
                .takeWhile(version -> version.digest().equals(digest));
    }

    /// By name, in the byte order of names.
    Collection<AdapterEntry> entries() {
        return byName.values();
    }

    /// Up to `count` names before and as many after the place of `name` in the order of names.
    List<String> around(String name, int count) {
        SortedSet<String> before = byName.headMap(name).descendingKeySet();
        SortedSet<String> after = byName.tailMap(name).keySet();
        return Stream.concat(before.stream().limit(count), after.stream().limit(count))
                .toList();
    }

    int size() {
        return byName.size();
    }

    /// Puts the entry in the place of the one of the same name; returns that.
    @Nullable
    AdapterEntry put(AdapterEntry entry) {
        AdapterEntry before = byName.put(entry.name(), entry);
        if (entry instanceof AdapterEntry.Ready(AdapterVersion version)) {
            byDigest.put(new Content(version.digest(), version.name()), version);
            if (before instanceof AdapterEntry.Ready(AdapterVersion old)
                    && !old.digest().equals(version.digest())) {
                byDigest.remove(new Content(old.digest(), old.name()));
            }
        } else {
            dropContent(before);
        }
        return before;
    }

    /// Removes the entry of a name; returns it.
    @Nullable
    AdapterEntry remove(String name) {
        AdapterEntry before = byName.remove(name);
        dropContent(before);
        return before;
    }

    private void dropContent(@Nullable AdapterEntry entry) {
        if (entry instanceof AdapterEntry.Ready(AdapterVersion version)) {
            byDigest.remove(new Content(version.digest(), version.name()));
        }
    }
}
