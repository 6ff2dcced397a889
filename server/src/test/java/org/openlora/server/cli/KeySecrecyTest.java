package org.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.keys.KeyPassword;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.serving.Operator;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// Everything that is logged, thrown, shown or counted around keys is searched for the key and the password.
class KeySecrecyTest {
    private static final String KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    private static final String PASSWORD = "a password nobody else has";

    @TempDir
    Path home;

    private final StringBuilder shown = new StringBuilder();

    @Test
    void loadingUsingAndFailing_showsNeitherKeyNorPassword() throws IOException {
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Level before = root.getLevel();
        appender.start();
        root.addAppender(appender);
        root.setLevel(Level.TRACE);
        try {
            useKeys();
        } finally {
            root.setLevel(before);
            root.detachAppender(appender);
        }
        appender.list.forEach(event -> shown.append(event.getFormattedMessage())
                .append(
                        event.getThrowableProxy() == null
                                ? ""
                                : event.getThrowableProxy().getMessage()));
        ServerMetrics metrics = new ServerMetrics("model", java.time.InstantSource.system(), System::nanoTime);
        metrics.watchFlusher(new FlusherMonitor());
        shown.append(metrics.scrape("").text());
        assertThat(metrics.scrape("").text()).contains("openlora_flusher_alarm{alarm=\"fee_cap\"");
        assertThat(shown.toString().toLowerCase(Locale.ROOT))
                .contains("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266") // the account may be seen
                .doesNotContain(KEY, KEY.substring(0, 16), KEY.substring(48), PASSWORD);
    }

    private void useKeys() throws IOException {
        Installation installation = new Installation(Path.of(System.getProperty("openlora.root", "..")), home);
        Map<String, String> password = Map.of(KeyPassword.ENVIRONMENT, PASSWORD);
        Map<String, String> key = Map.of(OperatorKeys.ENVIRONMENT, KEY);
        var config = ConfigLoader.load(installation, null);
        shown.append(Operator.load(installation, config, key));
        // The keystore of the same key, then everything that can be wrong with it.
        Operator.keys(installation, password).create(org.openlora.meter.receipt.OperatorKey.ofHex(KEY), true);
        shown.append(Operator.load(installation, config, password));
        shown.append(Files.readString(Operator.keys(installation, password).keystore()));
        for (Map<String, String> wrong : List.of(
                Map.of(KeyPassword.ENVIRONMENT, PASSWORD + "x"),
                Map.of(KeyPassword.ENVIRONMENT, ""),
                Map.of(OperatorKeys.ENVIRONMENT, KEY + "00"),
                Map.of(OperatorKeys.ENVIRONMENT, "zz" + KEY.substring(2)))) {
            Throwable failure = catchThrowable(() -> Operator.load(installation, config, wrong));
            assertThat(failure).isNotNull();
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace, true));
            shown.append(trace);
        }
        Path keystore = Operator.keys(installation, password).keystore();
        Files.writeString(keystore, "{\"version\":3,\"crypto\":" + KEY);
        Files.setPosixFilePermissions(keystore, PosixFilePermissions.fromString("rw-------"));
        StringWriter trace = new StringWriter();
        catchThrowable(() -> Operator.load(installation, config, password))
                .printStackTrace(new PrintWriter(trace, true));
        shown.append(trace);
    }

    @Test
    void commandLine_hasNoPlaceForASecret() {
        List<String> names = new ArrayList<>();
        collect(new CommandLine(new KeyCommand()).getCommandSpec(), names);
        assertThat(names)
                .contains("--plain", "--json", "FILE")
                .noneMatch(name -> name.matches("(?i).*(secret|password|private|hex|mnemonic).*"));
    }

    private static void collect(CommandSpec spec, List<String> names) {
        spec.options().forEach(option -> names.addAll(List.of(option.names())));
        spec.positionalParameters().forEach(positional -> names.add(positional.paramLabel()));
        spec.subcommands().values().forEach(sub -> collect(sub.getCommandSpec(), names));
    }
}
