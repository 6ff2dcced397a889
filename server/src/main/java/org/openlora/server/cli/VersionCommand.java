package org.openlora.server.cli;

import java.util.concurrent.Callable;
import org.openlora.server.config.ProgramVersion;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `openlora version`.
@Command(name = "version", description = "Prints the version of OpenLoRA and of the Java it runs on.")
final class VersionCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        for (String line : new Provider().getVersion()) {
            spec.commandLine().getOut().println(line);
        }
        return ExitStatus.OK;
    }

    /// What `--version` prints.
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {
                "openlora " + ProgramVersion.get(),
                "java %s, %s %s, %d processors"
                        .formatted(
                                Runtime.version(),
                                System.getProperty("os.name"),
                                System.getProperty("os.arch"),
                                Runtime.getRuntime().availableProcessors()),
            };
        }
    }
}
