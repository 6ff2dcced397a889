package org.openlora.server.adapters;

import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.adapters.registry.AdapterVersion;
import org.openlora.adapters.registry.RegistryEvent;
import org.openlora.server.adapters.AdapterChange.Kind;
import org.openlora.server.problem.Problem;

/// Turns what happens to names and to contents into what happens to the names that one tenant sees.
///
/// It keeps those names by content, so that a load of a content is told under each of them, and of no other tenant's.
final class NameWatch {
    private final Consumer<AdapterChange> listener;
    private final InstantSource clock;
    private final Map<String, Digest> contents = new HashMap<>();
    private final Map<Digest, SortedSet<String>> names = new TreeMap<>();
    private boolean begun;

    NameWatch(Consumer<AdapterChange> listener, InstantSource clock) {
        this.listener = listener;
        this.clock = clock;
    }

    /// Takes in what there is, which `subscribe` tells before it returns; changes are told from then on.
    ///
    /// @return what `subscribe` returned
    synchronized Runnable begin(Function<Consumer<RegistryEvent>, Runnable> subscribe) {
        Runnable end = subscribe.apply(this::named);
        begun = true;
        return end;
    }

    private synchronized void named(RegistryEvent event) {
        switch (event) {
            case RegistryEvent.Registered(AdapterVersion version) -> registered(version.name(), version.digest());
            case RegistryEvent.Failed failed -> {
                Digest before = forget(failed.name());
                tell(Kind.FAILED, failed.name(), before, Problem.describe(failed.reason()));
            }
            case RegistryEvent.Removed(String name) -> tell(Kind.DELETED, name, forget(name), null);
        }
    }

    private void registered(String name, Digest digest) {
        Digest before = forget(name);
        contents.put(name, digest);
        names.computeIfAbsent(digest, _ -> new TreeSet<>()).add(name);
        tell(before == null ? Kind.REGISTERED : Kind.UPDATED, name, digest, null);
    }

    private @Nullable Digest forget(String name) {
        Digest before = contents.remove(name);
        if (before != null) {
            names.computeIfPresent(before, (_, known) -> {
                known.remove(name);
                return known.isEmpty() ? null : known;
            });
        }
        return before;
    }

    /// Something happened to a content.
    ///
    /// @param problem null but for failures
    synchronized void happened(Kind kind, Digest content, @Nullable String problem) {
        Optional.ofNullable(names.get(content))
                .ifPresent(known -> known.forEach(name -> tell(kind, name, content, problem)));
    }

    private void tell(Kind kind, String name, @Nullable Digest content, @Nullable String problem) {
        if (begun) {
            listener.accept(new AdapterChange(clock.instant(), kind, name, content, problem));
        }
    }
}
