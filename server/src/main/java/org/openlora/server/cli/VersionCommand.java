package org.openlora.server.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `openlora version`.
@Command(name = "version", description = "Prints the version of OpenLoRA and of the Java it runs on.")
final class VersionCommand implements Callable<Integer> {
    private static final String POM = "/META-INF/maven/org.openlora/server/pom.properties";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        for (String line : new Provider().getVersion()) {
            spec.commandLine().getOut().println(line);
        }
        return ExitStatus.OK;
    }

    /// What `--version` prints.
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            return new String[] {
                "openlora " + openLora(),
                "java %s, %s %s, %d processors"
                        .formatted(
                                Runtime.version(),
                                System.getProperty("os.name"),
                                System.getProperty("os.arch"),
                                Runtime.getRuntime().availableProcessors()),
            };
        }

        private static String openLora() throws IOException {
            try (InputStream stream = VersionCommand.class.getResourceAsStream(POM)) {
                if (stream == null) {
                    return "(not packaged)";
                }
                Properties properties = new Properties();
                properties.load(stream);
                return properties.getProperty("version", "(unknown)");
            }
        }
    }
}
