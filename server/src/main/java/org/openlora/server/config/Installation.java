package org.openlora.server.config;

import java.nio.file.Path;
import java.util.Map;
import org.openlora.server.problem.Problem;

/// Where OpenLoRA stands on this machine: the folder it was installed in and the folder that holds its state.
///
/// @param root the installation, with `models/`, `examples/` and `config/`; read only
/// @param home the state: `ledger/`, `keys/`, `models/`, `adapters/`, `datanets/`, `indices/`, `chain/`
public record Installation(Path root, Path home) {
    public Installation {
        root = root.toAbsolutePath().normalize();
        home = home.toAbsolutePath().normalize();
    }

    /// The installation that the launcher names by the system property `openlora.root`, with the state that
    /// `OPENLORA_HOME` names, `~/.openlora` without it.
    public static Installation current(Map<String, String> environment) {
        String root = System.getProperty("openlora.root", "");
        if (root.isBlank()) {
            throw new Problem(
                    "the system property openlora.root is not set", "start OpenLoRA by its launcher ./openlora");
        }
        String home = environment.getOrDefault("OPENLORA_HOME", "");
        // HOME before user.home: the JVM takes the latter from the password file, whatever the environment says.
        String user = environment.getOrDefault("HOME", System.getProperty("user.home", "."));
        return new Installation(Path.of(root), home.isBlank() ? Path.of(user, ".openlora") : Path.of(home));
    }

    public Path ledger() {
        return home.resolve("ledger");
    }

    public Path keys() {
        return home.resolve("keys");
    }

    public Path models() {
        return home.resolve("models");
    }

    public Path adapters() {
        return home.resolve("adapters");
    }

    /// Served where neither the settings nor the catalogue name a folder of adapters.
    public Path ownAdapters() {
        return adapters().resolve("local");
    }

    /// What is known of adapters: names, versions, digests.
    public Path adapterRegistry() {
        return adapters().resolve("registry");
    }

    /// Files of adapters that were fetched.
    public Path adapterStore() {
        return adapters().resolve("store");
    }

    /// Rows of registered datanets.
    public Path datanets() {
        return home.resolve("datanets");
    }

    public Path indices() {
        return home.resolve("indices");
    }

    public Path chain() {
        return home.resolve("chain");
    }

    /// The settings file of this user, which need not exist.
    public Path settings() {
        return home.resolve("openlora.yaml");
    }

    /// The same installation with another state folder.
    public Installation withHome(Path otherHome) {
        return new Installation(root, otherHome);
    }
}
