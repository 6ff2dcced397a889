package org.openlora.adapters.registry;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;
import org.openlora.adapters.origin.AdapterOrigin;

/// What look-ups see: the folders' names, each tenant's own, and the contents behind them. A tenant sees its
/// own names and the folders'. Look-ups never wait; one thread at a time makes changes.
final class NameIndex {
    /// Contents without a name that can still be loaded, for requests that were admitted while they had one.
    private static final int RETIRED = 1024;

    /// Places of a content that are remembered.
    private static final int ORIGINS = 4;

    /// Names on each side of an unknown one that are compared with it.
    private static final int COMPARED = 500;

    /// Of a tenant that registered nothing; never changed.
    private static final Namespace NONE = new Namespace();

    private final Namespace folders = new Namespace();
    private final Map<String, Namespace> tenants = new ConcurrentHashMap<>();
    private final Map<Alias, AdapterOrigin> origins = new ConcurrentHashMap<>();
    /// How many tenants registered a name.
    private final Map<String, Integer> owners = new ConcurrentHashMap<>();

    private final Map<Digest, Content> named = new ConcurrentHashMap<>();
    private final Map<Digest, Content> retired = Collections.synchronizedMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Content> eldest) {
            return size() > RETIRED;
        }
    });

    private record Alias(String tenant, String name) {}

    /// What is known of a content, whatever its names.
    ///
    /// @param names how many stand for it
    /// @param origins where tenants' came from, the newest first; none where only folders held it
    record Content(AdapterSize size, int names, List<AdapterOrigin> origins) {
        Content {
            origins = List.copyOf(origins);
        }

        Content and(Content newer) {
            List<AdapterOrigin> all = Stream.concat(newer.origins().stream(), origins.stream())
                    .distinct()
                    .limit(ORIGINS)
                    .toList();
            return new Content(newer.size(), names + newer.names(), all);
        }

        Content withoutOneName() {
            return new Content(size, names - 1, origins);
        }
    }

    /// What the name stands for, as this tenant sees it; its own names go before the folders'.
    ///
    /// @throws AdapterException `NOT_FOUND` with the nearest names, or the reason why the folder is not served
    AdapterVersion find(String tenant, String name) {
        AdapterEntry entry = own(tenant).find(name);
        if (entry == null) {
            entry = folders.find(name);
        }
        return switch (entry) {
            case null -> throw unknown(tenant, name);
            case AdapterEntry.Ready(AdapterVersion version) -> version;
            case AdapterEntry.Failed(var _, AdapterException reason) ->
                throw new AdapterException(
                        reason.code(),
                        "adapter " + OneLine.quote(name) + " cannot be served: " + reason.getMessage(),
                        reason);
        };
    }

    /// The adapter of this content, if a name that this tenant sees stands for it; of several names its own
    /// first.
    ///
    /// @throws AdapterException `NOT_FOUND`
    AdapterVersion find(String tenant, Digest digest) {
        return Stream.concat(own(tenant).find(digest), folders.find(digest))
                .findFirst()
                .orElseThrow(() -> unknown(digest));
    }

    static AdapterException unknown(Digest digest) {
        return new AdapterException(Code.NOT_FOUND, "no adapter with digest " + digest + " is registered");
    }

    private AdapterException unknown(String tenant, String name) {
        Namespace own = own(tenant);
        var near = new ArrayList<>(own.around(name, COMPARED));
        near.addAll(folders.around(name, COMPARED));
        return AdapterNames.unknown(name, near, own.size() + folders.size());
    }

    /// All that the tenant sees, in the byte order of names.
    List<AdapterEntry> entries(String tenant) {
        return Stream.concat(own(tenant).entries().stream(), folders.entries().stream())
                .sorted(Comparator.comparing(AdapterEntry::name, Utf8.BYTE_ORDER))
                .toList();
    }

    /// A content that has a name, or had one not long ago.
    Optional<Content> content(Digest digest) {
        Content content = named.get(digest);
        return Optional.ofNullable(content == null ? retired.get(digest) : content);
    }

    /// The folders that hold this content.
    List<AdapterVersion> folders(Digest digest) {
        return folders.find(digest).toList();
    }

    /// What all names of this content stand for, of all tenants.
    List<AdapterVersion> versions(Digest digest) {
        return Stream.concat(Stream.of(folders), tenants.values().stream())
                .flatMap(names -> names.find(digest))
                .toList();
    }

    /// Where what the tenant registered under this name came from; empty where it registered none.
    Optional<AdapterOrigin> origin(String tenant, String name) {
        return Optional.ofNullable(origins.get(new Alias(tenant, name)));
    }

    @Nullable
    AdapterEntry folder(String name) {
        return folders.find(name);
    }

    /// Names of all folders that are known.
    List<String> folderNames() {
        return folders.entries().stream().map(AdapterEntry::name).toList();
    }

    RegistryStats stats() {
        int failed = (int) folders.entries().stream()
                .filter(AdapterEntry.Failed.class::isInstance)
                .count();
        int registered = tenants.values().stream().mapToInt(Namespace::size).sum();
        return new RegistryStats(folders.size() - failed, failed, registered);
    }

    /// Whether a tenant registered this name.
    boolean isRegistered(String name) {
        return owners.containsKey(name);
    }

    boolean isRegistered(String tenant, String name) {
        return own(tenant).find(name) != null;
    }

    /// @return the content that has no name any more, if there is one
    Optional<Digest> putFolder(AdapterEntry entry) {
        name(entry, null);
        return unname(folders.put(entry));
    }

    /// @return the content that has no name any more, if there is one
    Optional<Digest> removeFolder(String name) {
        return unname(folders.remove(name));
    }

    /// @return the content that has no name any more, if there is one
    Optional<Digest> putAlias(String tenant, AdapterVersion version, AdapterOrigin origin) {
        AdapterEntry entry = new AdapterEntry.Ready(version);
        name(entry, origin);
        origins.put(new Alias(tenant, version.name()), origin);
        AdapterEntry before =
                tenants.computeIfAbsent(tenant, _ -> new Namespace()).put(entry);
        if (before == null) {
            owners.merge(version.name(), 1, Integer::sum);
        }
        return unname(before);
    }

    /// @return the content that has no name any more, if there is one
    Optional<Digest> removeAlias(String tenant, String name) {
        AdapterEntry before = own(tenant).remove(name);
        if (before != null) {
            owners.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1);
        }
        Optional<Digest> retired = unname(before);
        origins.remove(new Alias(tenant, name));
        return retired;
    }

    private Namespace own(String tenant) {
        return tenants.getOrDefault(tenant, NONE);
    }

    /// Before the entry can be found, so that what is found can be loaded.
    private void name(AdapterEntry entry, @Nullable AdapterOrigin origin) {
        if (entry instanceof AdapterEntry.Ready(AdapterVersion version)) {
            List<AdapterOrigin> origins = origin == null ? List.of() : List.of(origin);
            named.merge(version.digest(), new Content(version.size(), 1, origins), Content::and);
            retired.remove(version.digest());
        }
    }

    /// After the entry was found for the last time.
    private Optional<Digest> unname(@Nullable AdapterEntry entry) {
        if (!(entry instanceof AdapterEntry.Ready(AdapterVersion version))) {
            return Optional.empty();
        }
        Digest digest = version.digest();
        Content content = named.get(digest);
        if (content == null) {
            throw new IllegalStateException("content " + digest + " had a name and is not known");
        }
        Content less = content.withoutOneName();
        if (less.names() > 0) {
            named.put(digest, less);
            return Optional.empty();
        }
        retired.put(digest, less);
        named.remove(digest);
        return Optional.of(digest);
    }
}
