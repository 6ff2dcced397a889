package org.openlora.server.catalog;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.openlora.adapters.transfer.AddressRules;
import org.openlora.adapters.transfer.Deadline;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.TransferException;
import org.openlora.adapters.transfer.TransferProgress;
import org.openlora.server.problem.Problem;

/// The hub that base models are pulled from: `HF_ENDPOINT` names it, `HF_TOKEN` opens gated repositories.
final class ModelHub {
    private final URI endpoint;
    private final HttpTransfer transfer;
    private final HubClient hub;

    ModelHub(Map<String, String> environment) {
        this(environment, HttpTransfer.STALL_LIMIT);
    }

    ModelHub(Map<String, String> environment, Duration stallLimit) {
        String configured = environment.getOrDefault("HF_ENDPOINT", "");
        this.endpoint = configured.isBlank() ? HubClient.PUBLIC_HUB : parse(configured);
        // Who pulls a model has the machine, and may take it from where he likes.
        this.transfer = new HttpTransfer(AddressRules.unrestricted(), stallLimit);
        this.hub = new HubClient(endpoint, environment.getOrDefault("HF_TOKEN", ""), transfer);
    }

    HubClient.Revision revision(String repository, String name) throws IOException {
        try {
            return hub.revision(repository, name, Deadline.never());
        } catch (TransferException e) {
            throw problem(e);
        }
    }

    /// Fetches a file to `target`, going on where an earlier attempt stopped.
    void fetch(String repository, String commit, String file, Path target, TransferProgress progress)
            throws IOException {
        try {
            transfer.fetch(hub.file(repository, commit, file), target, bytes -> {}, Deadline.never(), progress);
        } catch (TransferException e) {
            throw problem(e);
        }
    }

    private Problem problem(TransferException e) {
        String remedy =
                switch (e.kind()) {
                    case FORBIDDEN -> "set HF_TOKEN to a token that may read it";
                    case NOT_FOUND -> "check the name and HF_ENDPOINT";
                    case DAMAGED -> "check HF_ENDPOINT and pull again";
                    case REFUSED, UNAVAILABLE ->
                        "check the network or set HF_ENDPOINT to a mirror; what has arrived is kept";
                };
        return new Problem("the hub at %s: %s".formatted(endpoint, Problem.describe(e)), remedy, e);
    }

    private static URI parse(String endpoint) {
        URI uri;
        try {
            uri = URI.create(endpoint);
        } catch (IllegalArgumentException e) {
            throw new Problem("HF_ENDPOINT is %s, which is no URL".formatted(endpoint), "correct or unset it", e);
        }
        if (uri.getAuthority() == null || !Set.of("http", "https").contains(uri.getScheme())) {
            throw new Problem(
                    "HF_ENDPOINT is %s, which is no http or https URL".formatted(endpoint), "correct or unset it");
        }
        return uri;
    }
}
