package org.openlora.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openlora.benchmarks.report.KernelReport;
import org.openlora.benchmarks.report.KernelReport.Fork;
import org.openlora.benchmarks.report.KernelReport.Kernel;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.server.problem.Problem;

/// Runs the JMH benchmarks of this package and joins their times with what each fork measured of the machine.
public final class KernelSuite {
    private static final String PACKAGE = KernelSuite.class.getPackageName() + ".";

    private KernelSuite() {}

    /// How to run.
    ///
    /// @param include regular expression over benchmark names; all where it is empty
    /// @param parameters values of benchmark parameters instead of their defaults, by name
    /// @param forks JVMs for each set of parameters
    /// @param seconds of each measured iteration
    /// @param ceilingSeconds of each probe of the machine, twice in each fork
    public record Settings(
            String include,
            Map<String, String[]> parameters,
            int forks,
            int warmUpIterations,
            int iterations,
            double seconds,
            double ceilingSeconds,
            boolean nativeProbes) {
        public Settings {
            if (forks < 1 || iterations < 1 || warmUpIterations < 0 || !(seconds > 0) || !(ceilingSeconds > 0)) {
                throw new IllegalArgumentException(
                        "%d forks, %d iterations of %s s, ceilings %s s; all must be positive"
                                .formatted(forks, iterations, seconds, ceilingSeconds));
            }
        }
    }

    /// @throws Problem if no benchmark matches or one fails
    public static KernelReport run(Provenance provenance, Settings settings) {
        try {
            Path file = Files.createTempFile("openlora-bench", ".forks");
            try {
                Collection<RunResult> results =
                        new Runner(options(settings, file).build()).run();
                return new KernelReport(provenance, settings.forks(), kernels(results, ForkRecord.readAll(file)));
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new Problem(
                    "the temporary folder cannot be written: " + Problem.describe(e), "set java.io.tmpdir", e);
        } catch (RunnerException e) {
            throw new Problem("JMH failed: " + Problem.describe(e), "read the output above", e);
        }
    }

    private static ChainedOptionsBuilder options(Settings settings, Path file) {
        TimeValue iteration = TimeValue.milliseconds((long) (1e3 * settings.seconds()));
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include(Pattern.quote(PACKAGE) + ".*" + settings.include())
                .forks(settings.forks())
                .warmupIterations(settings.warmUpIterations())
                .warmupTime(iteration)
                .measurementIterations(settings.iterations())
                .measurementTime(iteration)
                .shouldFailOnError(true)
                .jvmArgsAppend(
                        "-D" + ForkRecord.FILE_PROPERTY + "=" + file,
                        "-D" + KernelState.CEILING_SECONDS_PROPERTY + "=" + settings.ceilingSeconds(),
                        "-D" + KernelState.NATIVE_PROPERTY + "=" + settings.nativeProbes());
        settings.parameters().forEach(options::param);
        return options;
    }

    private static List<Kernel> kernels(Collection<RunResult> results, List<ForkRecord> records) {
        Map<String, Deque<ForkRecord>> byBenchmark = new HashMap<>();
        records.forEach(record -> byBenchmark
                .computeIfAbsent(record.benchmark(), _ -> new ArrayDeque<>())
                .add(record));
        List<Kernel> kernels = new ArrayList<>();
        for (RunResult result : results) {
            BenchmarkParams params = result.getParams();
            Deque<ForkRecord> own = byBenchmark.getOrDefault(params.id(), new ArrayDeque<>());
            List<Fork> forks = new ArrayList<>();
            for (BenchmarkResult fork : result.getBenchmarkResults()) {
                // Forks run one after the other, so that both lists have their order.
                ForkRecord record = own.remove();
                forks.add(new Fork(
                        fork.getPrimaryResult().getScore(),
                        record.bytesPerOperation(),
                        record.flopsPerOperation(),
                        record.peak(),
                        record.before(),
                        record.after()));
            }
            kernels.add(Kernel.of(name(params), parameters(params), forks));
        }
        return kernels;
    }

    private static String name(BenchmarkParams params) {
        return params.getBenchmark().substring(params.getBenchmark().lastIndexOf('.') + 1);
    }

    private static Map<String, String> parameters(BenchmarkParams params) {
        Map<String, String> parameters = new TreeMap<>();
        params.getParamsKeys().forEach(key -> parameters.put(key, params.getParam(key)));
        return parameters;
    }
}
