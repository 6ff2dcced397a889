package org.openlora.benchmarks.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.benchmarks.machine.CeilingProbe;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.MachineClass;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench ceilings`.
@Command(name = "ceilings", description = "Measures what the machine gives at most.", mixinStandardHelpOptions = true)
final class CeilingsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(names = "--threads", paramLabel = "N", description = "Default: all processors.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        MachineClass machine = MachineClass.current();
        out.printf(
                "%s: %s, %d processors, last-level cache %d MiB, %d-bit vectors%n",
                machine.slug(),
                machine.processor(),
                machine.processors(),
                machine.lastLevelCacheBytes() >> 20,
                machine.vectorBits());
        try (CeilingProbe probe = new CeilingProbe(threads, output.usesNative())) {
            Ceilings ceilings = probe.measure(output.ceilingSeconds);
            for (Ceilings.Probe one : ceilings.probes()) {
                out.printf(
                        Locale.ROOT,
                        "%-16s median %8.1f, best %8.1f %s%n",
                        one.name(),
                        one.median(),
                        one.best(),
                        one.unit());
            }
        }
        return 0;
    }
}
