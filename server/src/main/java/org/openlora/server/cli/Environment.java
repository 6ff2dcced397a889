package org.openlora.server.cli;

import java.util.Map;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.catalog.ModelStore;
import org.openlora.server.config.Installation;

/// What the commands need of the machine they run on.
final class Environment {
    private Environment() {}

    static Map<String, String> variables() {
        return System.getenv();
    }

    static Installation installation() {
        return Installation.current(variables());
    }

    static ModelStore models(ModelCatalog catalog) {
        return new ModelStore(installation(), catalog, variables(), new TerminalProgress());
    }

    /// Whether standard error is a terminal: the launcher, which may stand in between, knows.
    static boolean errorIsTerminal() {
        return "1".equals(variables().get("OPENLORA_STDERR_TERMINAL"));
    }

    /// Width of standard output where it is a terminal, as the launcher found it; 0 where it is none.
    static int outputColumns() {
        String columns = variables().getOrDefault("OPENLORA_STDOUT_COLUMNS", "");
        return columns.matches("[0-9]{1,4}") ? Integer.parseInt(columns) : 0;
    }
}
