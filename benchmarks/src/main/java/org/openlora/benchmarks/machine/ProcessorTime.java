package org.openlora.benchmarks.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// How the machine's processor time was used since this was created, from Linux's `/proc`.
public final class ProcessorTime {
    private static final Path STAT = Path.of("/proc/stat");
    private static final int IDLE = 3;
    private static final int IO_WAIT = 4;
    private static final int FIELDS = 8;

    private final List<Long> ownPids;
    private final Ticks start;

    /// @param ownPids processes that are not "others"
    public ProcessorTime(List<Long> ownPids) {
        this.ownPids = List.copyOf(ownPids);
        this.start = read();
    }

    /// Share of the whole machine that other processes used since, 0 to 1; empty where the system does not say.
    public OptionalDouble others() {
        return share(now -> now.busy - now.own);
    }

    /// Share of the whole machine that the own processes used since.
    public OptionalDouble own() {
        return share(Ticks::own);
    }

    /// Memory of a process in RAM now, in bytes; empty where it does not run or the system does not say.
    public static OptionalLong residentBytes(long pid) {
        return status(pid, "VmRSS:");
    }

    /// The most that it ever had.
    public static OptionalLong peakResidentBytes(long pid) {
        return status(pid, "VmHWM:");
    }

    private OptionalDouble share(java.util.function.ToLongFunction<Ticks> part) {
        Ticks now = read();
        long total = now.total - start.total;
        return total <= 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(Math.max(0, part.applyAsLong(now) - part.applyAsLong(start)) / (double) total);
    }

    private Ticks read() {
        String[] fields = line(STAT).split("\\s+", -1);
        if (fields.length <= FIELDS) {
            return new Ticks(0, 0, 0);
        }
        long total = 0;
        for (int i = 1; i <= FIELDS; i++) {
            total += Long.parseLong(fields[i]);
        }
        long idle = Long.parseLong(fields[1 + IDLE]) + Long.parseLong(fields[1 + IO_WAIT]);
        long own = 0;
        for (long pid : ownPids) {
            own += ticks(pid);
        }
        return new Ticks(total, total - idle, own);
    }

    /// User and system time of a process; 0 for one that ended.
    private static long ticks(long pid) {
        String stat = line(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
        return fields.length < 13 ? 0 : Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static OptionalLong status(long pid, String key) {
        return text(Path.of("/proc/" + pid + "/status"))
                .lines()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst();
    }

    private static String line(Path file) {
        return text(file).lines().findFirst().orElse("");
    }

    private static String text(Path file) {
        try {
            return Files.isReadable(file) ? Files.readString(file) : "";
        } catch (NoSuchFileException e) {
            return ""; // the process ended between the two calls
        } catch (IOException e) {
            // Linux answers "no such process" where it ended while the file was open.
            return "";
        }
    }

    private record Ticks(long total, long busy, long own) {}
}
