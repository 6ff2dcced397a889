package org.openlora.server.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/// The version of this program, as it was packaged.
public final class ProgramVersion {
    private static final String POM = "/META-INF/maven/org.openlora/server/pom.properties";

    private ProgramVersion() {}

    public static String get() {
        try (InputStream stream = ProgramVersion.class.getResourceAsStream(POM)) {
            if (stream == null) {
                return "(not packaged)";
            }
            Properties properties = new Properties();
            properties.load(stream);
            return properties.getProperty("version", "(unknown)");
        } catch (IOException e) {
            throw new UncheckedIOException("the server's jar cannot be read", e);
        }
    }
}
