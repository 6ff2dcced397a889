package org.openlora.meter.database;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.DatabaseLocation.PostgresServer;
import org.tukaani.xz.XZInputStream;

/// A PostgreSQL server for tests, from the binaries on the class path. PostgreSQL refuses to run as root, so root
/// runs it as `nobody`.
public final class PostgresServerProcess implements AutoCloseable {
    private static final String USER = "openlora";
    /// The overflow user, which every Linux has.
    private static final String NOBODY = "65534";

    private static @Nullable PostgresServerProcess shared;

    private final Path folder;
    private final int port;
    private final boolean durable;
    private final AtomicInteger databases = new AtomicInteger();
    private @Nullable Process process;

    private PostgresServerProcess(Path folder, int port, boolean durable) {
        this.folder = folder;
        this.port = port;
        this.durable = durable;
    }

    /// The one of this process, which ends with it. It does not wait for the disk, and is not to be killed.
    public static synchronized PostgresServerProcess shared() {
        if (shared == null) {
            PostgresServerProcess started = start(false);
            Runtime.getRuntime().addShutdownHook(new Thread(started::close));
            shared = started;
        }
        return shared;
    }

    /// Starts a server as durable as a real one.
    public static PostgresServerProcess start() {
        return start(true);
    }

    private static PostgresServerProcess start(boolean durable) {
        try {
            // Not below the build's folder: nobody need not be allowed to enter that.
            Path folder = Files.createTempDirectory(Path.of("/tmp"), "openlora-postgres-");
            unpack(folder);
            PostgresServerProcess server = new PostgresServerProcess(folder, freePort(), durable);
            server.giveToNobody();
            server.run("bin/initdb", "-D", server.data(), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
            server.startAgain();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String data() {
        return folder.resolve("data").toString();
    }

    /// Starts the server on the data that is there, and waits until it answers.
    public synchronized void startAgain() throws IOException {
        Path log = folder.resolve("log");
        process = new ProcessBuilder(command(
                        "bin/postgres",
                        "-D",
                        data(),
                        "-p",
                        Integer.toString(port),
                        "-c",
                        "listen_addresses=127.0.0.1",
                        "-c",
                        "unix_socket_directories=",
                        "-c",
                        "max_connections=200",
                        "-c",
                        "shared_buffers=32MB",
                        "-c",
                        "fsync=" + (durable ? "on" : "off")))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (true) {
            try (Connection connection = DriverManager.getConnection(url("postgres"), USER, "")) {
                if (connection.isValid(1)) {
                    return;
                }
            } catch (SQLException e) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw new IOException("PostgreSQL did not start: " + Files.readString(log), e);
                }
                pause();
            }
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new IOException("interrupted while PostgreSQL started", e);
        }
    }

    /// Kills the server and everything that it started, as a power cut would, but for the disk's own cache.
    public synchronized void kill() {
        if (process != null) {
            List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
            process.destroyForcibly();
            all.forEach(ProcessHandle::destroyForcibly);
            waitForEnd(process);
        }
    }

    private static void waitForEnd(Process process) {
        try {
            process.waitFor(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// An empty database.
    public PostgresServer freshDatabase() {
        String name = "ledger" + databases.incrementAndGet();
        execute("CREATE DATABASE " + name);
        return new PostgresServer(url(name), USER, "");
    }

    /// Runs a statement outside any ledger.
    public void execute(String sql) {
        execute("postgres", sql);
    }

    /// Runs a statement in a database.
    public void execute(String database, String sql) {
        try (Connection connection = DriverManager.getConnection(url(database), USER, "");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    @Override
    public synchronized void close() {
        kill();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void giveToNobody() throws IOException {
        if (isRoot()) {
            finish(new ProcessBuilder("chown", "-R", NOBODY + ":" + NOBODY, folder.toString()));
        }
    }

    private void run(String... arguments) throws IOException {
        finish(new ProcessBuilder(command(arguments)).directory(folder.toFile()));
    }

    private static void finish(ProcessBuilder builder) throws IOException {
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        waitForEnd(process);
        if (process.exitValue() != 0) {
            throw new IOException(builder.command() + " failed: " + output);
        }
    }

    private List<String> command(String... arguments) {
        List<String> command = new ArrayList<>();
        if (isRoot()) {
            command.addAll(List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups"));
        }
        command.add(folder.resolve(arguments[0]).toString());
        command.addAll(List.of(arguments).subList(1, arguments.length));
        return command;
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /// The archive that the binaries' jar holds is a tar file compressed with XZ.
    private static void unpack(Path folder) throws IOException {
        String jar = "/postgres-linux-x86_64.txz";
        try (InputStream archive = Objects.requireNonNull(
                        PostgresServerProcess.class.getResourceAsStream(jar), "no PostgreSQL on the class path");
                TarArchiveInputStream tar =
                        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(archive)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path file = folder.resolve(entry.getName()).normalize();
                if (entry.isDirectory()) {
                    Files.createDirectories(file);
                } else if (entry.isSymbolicLink()) {
                    Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
                } else {
                    Files.createDirectories(Objects.requireNonNull(file.getParent()));
                    Files.copy(tar, file, StandardCopyOption.REPLACE_EXISTING);
                    Files.setPosixFilePermissions(file, permissions(entry.getMode()));
                }
            }
        }
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        return PosixFilePermissions.fromString((mode & 0100) != 0 ? "rwxr-xr-x" : "rw-r--r--");
    }
}
