package org.openlora.adapters.origin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.origin.AdapterOrigin.HttpsFiles;
import org.openlora.adapters.origin.AdapterOrigin.HubRepository;
import org.openlora.adapters.origin.AdapterOrigin.LocalFolder;
import org.openlora.adapters.origin.AdapterOrigin.S3Prefix;
import org.openlora.adapters.origin.StandInHost.Asked;
import org.openlora.adapters.origin.StandInHost.Fault;
import org.openlora.adapters.store.DiskRoom;
import org.openlora.adapters.transfer.AddressRules;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.RequestSigner;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;

class OriginFetcherTest {
    private static final String CONFIG = AdapterFiles.CONFIG;
    private static final String WEIGHTS = AdapterFiles.WEIGHTS;
    private static final String COMMIT = "a".repeat(40);
    private static final String TOKEN = "hf_secret_token";
    private static final String SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private static final int WEIGHTS_BYTES = 300_000;
    private static final long MAX_BYTES = 400_000;

    @TempDir
    private Path temporary;

    private final StandInHost host = new StandInHost();
    private final StandInHost storage = new StandInHost();
    private final byte[] config = "{\"r\":4}".getBytes(StandardCharsets.UTF_8);
    private final byte[] weights = new byte[WEIGHTS_BYTES];
    private final List<Duration> pauses = new ArrayList<>();
    private final List<Long> reserved = new ArrayList<>();
    private Duration stallLimit = Duration.ofMinutes(1);
    private Path target;

    @BeforeEach
    void fillWeights() throws IOException {
        new Random(7).nextBytes(weights);
        target = Files.createDirectory(temporary.resolve("target"));
    }

    @AfterEach
    void stop() {
        host.close();
        storage.close();
    }

    // The hub.

    @Test
    void hub_branch_isFetchedAtItsCommitAndPinned() throws IOException {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights, "README.md", config));

        AdapterOrigin pinned = fetch(hub("main", ""));

        assertThat(pinned).isEqualTo(hub(COMMIT, ""));
        assertThat(target.resolve(CONFIG)).hasBinaryContent(config);
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(target).isDirectoryNotContaining("glob:**README.md");
        assertThat(sum(reserved)).isEqualTo(config.length + weights.length);
    }

    @Test
    void hub_branchMoves_pinnedOriginStaysAtItsCommit() throws IOException {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights));
        AdapterOrigin pinned = fetch(hub("main", ""));
        serveRevision("main", "b".repeat(40), List.of(CONFIG));
        clearTarget();

        assertThat(fetch(pinned)).isEqualTo(pinned);
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void hub_subfolder_isFetchedWithoutItsNeighbours() throws IOException {
        serveHub("loras/legal v2/", Map.of(CONFIG, config, WEIGHTS, weights, AdapterFiles.MANIFEST, config));

        fetch(hub("main", "loras/legal v2"));

        assertThat(names()).containsExactlyInAnyOrder(CONFIG, WEIGHTS, AdapterFiles.MANIFEST);
    }

    @Test
    void hub_redirectToStorage_getsNoToken() throws IOException {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights));

        fetch(hub("main", ""));

        assertThat(host.asked()).extracting(Asked::authorization).containsOnly("Bearer " + TOKEN);
        assertThat(storage.asked()).hasSize(1).extracting(Asked::authorization).containsOnlyNulls();
    }

    @Test
    void hub_storageSendsOtherBytes_isRefusedAndDeleted() {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights));
        storage.fault("/" + WEIGHTS, new Fault.FlipByte(1234));

        assertFails(Code.UNAVAILABLE, hub("main", ""))
                .hasMessageContaining("hf://acme/legal@main: acme/legal/" + WEIGHTS + " arrived damaged: its hash")
                .hasMessageNotContaining(TOKEN);
        assertThat(target.resolve(WEIGHTS)).doesNotExist();
    }

    @Test
    void hub_smallFileSentDamaged_isRefused() {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights));
        host.fault("/acme/legal/resolve/" + COMMIT + "/" + CONFIG, new Fault.FlipByte(2));

        assertFails(Code.UNAVAILABLE, hub("main", "")).hasMessageContaining(CONFIG + " arrived damaged");
    }

    @Test
    void hub_unknownRevision_isNotFound() {
        assertFails(Code.NOT_FOUND, hub("v9", ""))
                .hasMessageContaining("hf://acme/legal@v9: " + host.authority() + " has no acme/legal at v9");
    }

    @Test
    void hub_gatedRepository_saysForbidden() {
        host.gate(exchange -> 403);
        assertFails(Code.UNAVAILABLE, hub("main", ""))
                .hasMessageContaining("refuses acme/legal at main (status 403)")
                .hasMessageNotContaining(TOKEN);
    }

    @Test
    void hub_noSafetensors_namesThePickle() {
        serveHub("", Map.of(CONFIG, config, "adapter_model.bin", weights));
        assertFails(Code.UNSUPPORTED, hub("main", "")).hasMessageContaining("'adapter_model.bin' is a pickle file");
    }

    @Test
    void hub_hostileNames_areNeverWritten() throws IOException {
        serveHub("", Map.of(CONFIG, config, WEIGHTS, weights));
        serveRevision("main", COMMIT, List.of(CONFIG, WEIGHTS, "../evil.safetensors", "a/../../x", "/etc/passwd", ""));

        fetch(hub("main", ""));

        assertThat(names()).containsExactlyInAnyOrder(CONFIG, WEIGHTS);
        assertThat(temporary).isDirectoryNotContaining("glob:**evil*");
    }

    @Test
    void hub_shards_onlyThoseThatTheIndexNames() throws IOException {
        byte[] index = "{\"weight_map\":{\"a\":\"adapter_model-00001-of-00002.safetensors\",\"b\":\"two.safetensors\"}}"
                .getBytes(StandardCharsets.UTF_8);
        serveHub(
                "",
                Map.of(
                        CONFIG, config,
                        AdapterFiles.INDEX, index,
                        "adapter_model-00001-of-00002.safetensors", config,
                        "two.safetensors", config,
                        "three.safetensors", weights));

        fetch(hub("main", ""));

        assertThat(names())
                .containsExactlyInAnyOrder(
                        CONFIG, AdapterFiles.INDEX, "adapter_model-00001-of-00002.safetensors", "two.safetensors");
    }

    @Test
    void hub_indexThatLeadsOut_isRefused() {
        byte[] index = "{\"weight_map\":{\"a\":\"../../adapter.safetensors\"}}".getBytes(StandardCharsets.UTF_8);
        serveHub("", Map.of(CONFIG, config, AdapterFiles.INDEX, index));

        assertFails(Code.INVALID, hub("main", ""))
                .hasMessageContaining("a shard is a plain file name")
                .hasMessageNotContaining(target.toString());
    }

    // What goes wrong on the way.

    @Test
    void transfer_breaksOff_goesOnWhereItStopped() throws IOException {
        serveHttps();
        host.fault("/a/" + WEIGHTS, new Fault.Break(100_000));

        fetch(https());

        assertThat(host.ranges()).hasSize(1).allMatch(range -> !range.equals("bytes=0-"));
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(sum(reserved)).isEqualTo(config.length + weights.length);
    }

    @Test
    void transfer_stalls_isGivenUpAndTakenUpAgain() throws IOException {
        serveHttps();
        host.fault("/a/" + WEIGHTS, new Fault.Stall(100_000));
        stallLimit = Duration.ofMillis(700);

        fetch(https());

        assertThat(host.ranges()).isNotEmpty();
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void transfer_slowerThanTheDeadline_isGivenUp() {
        serveHttps();
        for (int i = 0; i < 10; i++) {
            host.fault("/a/" + WEIGHTS, new Fault.Drip());
        }
        assertThatThrownBy(() -> fetcher(List.of(host.authority()))
                        .fetch(https(), target, room(), Instant.now().plusMillis(1500)))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(Code.UNAVAILABLE))
                .hasMessageContaining("no time for another");
    }

    @Test
    void transfer_overloadedHost_isAskedAgainWhenItSays() throws IOException {
        serveHttps();
        host.fault("/a/" + WEIGHTS, new Fault.Status(429, Map.of("Retry-After", "7")));
        host.fault("/a/" + WEIGHTS, new Fault.Status(503, Map.of()));

        fetch(https());

        assertThat(pauses).containsExactly(Duration.ofSeconds(7), Duration.ofMillis(400));
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void transfer_hostAsksForMoreTimeThanThereIs_failsAtOnce() {
        serveHttps();
        host.fault("/a/" + CONFIG, new Fault.Status(429, Map.of("Retry-After", "86400")));

        assertFails(Code.UNAVAILABLE, https()).hasMessageContaining("status 429").hasMessageContaining("1 attempts");
        assertThat(pauses).isEmpty();
    }

    @Test
    void transfer_hostKeepsFailing_isGivenUp() {
        serveHttps();
        for (int i = 0; i < 9; i++) {
            host.fault("/a/" + CONFIG, new Fault.Status(500, Map.of()));
        }
        assertFails(Code.UNAVAILABLE, https()).hasMessageContaining("5 attempts");
        assertThat(host.asked()).hasSize(5);
    }

    @Test
    void transfer_otherStatus_isNotRepeated() {
        serveHttps();
        host.fault("/a/" + CONFIG, new Fault.Status(418, Map.of()));
        assertFails(Code.UNAVAILABLE, https()).hasMessageContaining("status 418");
        assertThat(host.asked()).hasSize(1);
    }

    @Test
    void transfer_wrongChecksum_isRefused() {
        serveHttps();
        host.with("/a/" + WEIGHTS, new byte[WEIGHTS_BYTES]);
        assertFails(Code.UNAVAILABLE, https()).hasMessageContaining(WEIGHTS + " arrived damaged: its hash");
        assertThat(target.resolve(WEIGHTS)).doesNotExist();
    }

    @Test
    void transfer_missingFile_isNotFound() {
        serveHttps();
        host.gate(exchange -> exchange.getRequestURI().getPath().endsWith(CONFIG) ? 200 : 404);
        assertFails(Code.NOT_FOUND, https()).hasMessageContaining("has no " + WEIGHTS);
    }

    @Test
    void transfer_largerThanAnAdapterMayBe_isRefusedBeforeItIsWritten() {
        byte[] large = new byte[(int) MAX_BYTES];
        host.with("/a/" + CONFIG, config).with("/a/" + WEIGHTS, large);
        assertFails(Code.TOO_LARGE, https(config, large)).hasMessageContaining("allowed: " + MAX_BYTES);
        assertThat(sum(reserved)).isEqualTo(config.length);
        assertThat(target.resolve(WEIGHTS)).doesNotExist();
    }

    @Test
    void transfer_noRoom_isPassedOn() {
        serveHttps();
        DiskRoom none = bytes -> {
            throw new AdapterException(Code.NO_ROOM, "the disk tier is full");
        };
        assertThatThrownBy(() ->
                        fetcher(List.of(host.authority())).fetch(https(), target, none, Instant.now().plusSeconds(60)))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(Code.NO_ROOM))
                .hasMessageContaining("the disk tier is full");
        assertThat(target).isEmptyDirectory();
    }

    // Where it may go.

    @Test
    void addresses_loopbackThatNobodyNamed_isRefused() {
        serveHttps();
        assertThatThrownBy(() -> fetcher(List.of()).fetch(https(), target, room(), Instant.now().plusSeconds(60)))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(Code.REFUSED))
                .hasMessageContaining("not allowed here");
        assertThat(host.asked()).isEmpty();
    }

    @Test
    void addresses_redirectToANeighbour_isRefused() {
        serveHttps();
        host.redirect("/a/" + WEIGHTS, "https://127.0.0.1:9/" + WEIGHTS + "?signature=secret", Map.of());
        assertFails(Code.REFUSED, https())
                .hasMessageContaining("127.0.0.1:9 is in a private network")
                .hasMessageNotContaining("secret");
    }

    @Test
    void addresses_redirectsWithoutEnd_areGivenUp() {
        serveHttps();
        host.redirect("/a/" + WEIGHTS, "/a/" + WEIGHTS, Map.of());
        assertFails(Code.UNAVAILABLE, https()).hasMessageContaining("redirects without end");
    }

    @Test
    void addresses_originThatIsNotAllowed_isRefused() {
        assertFails(Code.REFUSED, new HubRepository("evil/legal", "main", "")).hasMessageContaining("hf://acme");
        assertThat(host.asked()).isEmpty();
    }

    // S3.

    @Test
    void s3_pathStyle_isSignedListedAndFetched() throws IOException {
        serveS3("/acme-models/", "loras/legal v2+/", true);

        fetch(new S3Prefix("acme-models", "loras/legal v2+"));

        assertThat(names()).containsExactlyInAnyOrder(CONFIG, WEIGHTS);
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(host.asked()).hasSize(3).extracting(Asked::authorization).doesNotContainNull();
    }

    @Test
    void s3_wrongKey_isForbiddenAndNotNamed() {
        serveS3("/acme-models/", "loras/", true);
        host.gate(new SigV4Check("AKIDEXAMPLE", "another key", "eu-central-1")::status);

        assertFails(Code.UNAVAILABLE, new S3Prefix("acme-models", "loras"))
                .hasMessageContaining("s3://acme-models/loras: " + host.authority() + " refuses")
                .hasMessageNotContaining(SECRET_KEY);
    }

    @Test
    void s3_objectChangesBetweenTwoParts_startsOver() throws IOException {
        serveS3("/acme-models/", "loras/", false);
        host.fault("/acme-models/loras/" + WEIGHTS, new Fault.Break(100_000));
        byte[] others = weights.clone();
        others[0] ^= 1;
        OriginFetcher fetcher = fetcher(List.of(host.authority()));
        DiskRoom changing = bytes -> {
            if (bytes == WEIGHTS_BYTES) {
                host.with("/acme-models/loras/" + WEIGHTS, others, Map.of("ETag", "\"second\""));
            }
        };

        fetcher.fetch(new S3Prefix("acme-models", "loras"), target, changing, Instant.now().plusSeconds(60));

        assertThat(host.asked()).extracting(Asked::ifMatch).contains("\"first\"");
        assertThat(target.resolve(WEIGHTS)).hasBinaryContent(others);
    }

    @Test
    void s3_damagedObject_failsItsChecksum() {
        serveS3("/acme-models/", "loras/", true);
        host.fault("/acme-models/loras/" + WEIGHTS, new Fault.FlipByte(77));
        assertFails(Code.UNAVAILABLE, new S3Prefix("acme-models", "loras"))
                .hasMessageContaining(WEIGHTS + " arrived damaged: its hash");
    }

    @Test
    void s3_virtualHostStyle_putsTheBucketIntoTheHost() {
        var settings = new S3Settings(URI.create("https://s3.acme.org:9000"), "eu-central-1", false);
        var client = new S3Client(settings, RequestSigner.none(), transfer(List.of()));
        assertThat(client.file(new S3Prefix("acme-models", "loras/legal v2+"), CONFIG).uri())
                .hasToString("https://acme-models.s3.acme.org:9000/loras/legal%20v2%2B/" + CONFIG);
    }

    // Folders.

    @Test
    void folder_isCopiedWithoutForeignFiles() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("local/legal"));
        Files.write(folder.resolve(CONFIG), config);
        Files.write(folder.resolve(WEIGHTS), weights);
        Files.write(folder.resolve("optimizer.pt"), weights);

        fetch(new LocalFolder(folder));

        assertThat(names()).containsExactlyInAnyOrder(CONFIG, WEIGHTS);
    }

    @Test
    void folder_linkThatLeadsOut_isRefused() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("local/legal"));
        Files.write(folder.resolve(CONFIG), config);
        Path secret = Files.write(temporary.resolve("secret"), weights);
        Files.createSymbolicLink(folder.resolve(WEIGHTS), secret);

        assertFails(Code.INVALID, new LocalFolder(folder)).hasMessageContaining("a link that leads out");
    }

    private AdapterOrigin fetch(AdapterOrigin origin) {
        return fetcher(List.of(host.authority(), storage.authority()))
                .fetch(origin, target, room(), Instant.now().plusSeconds(60));
    }

    private AbstractThrowableAssert<?, ? extends Throwable> assertFails(Code code, AdapterOrigin origin) {
        return assertThatThrownBy(() -> fetch(origin))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    private OriginFetcher fetcher(List<String> privateHosts) {
        HttpTransfer transfer = transfer(privateHosts);
        return new OriginFetcher(
                new OriginFetcher.FetchLimits(MAX_BYTES, Duration.ofMinutes(1)),
                AllowedOrigins.parse(List.of(
                        "hf://acme", "s3://acme-models", host.uri() + "/", "file://" + temporary.resolve("local"))),
                transfer,
                new HubClient(host.uri(), TOKEN, transfer),
                new S3Settings(host.uri(), "eu-central-1", true),
                new S3Signer(() -> AwsCredentialsIdentity.create("AKIDEXAMPLE", SECRET_KEY), "eu-central-1"));
    }

    private HttpTransfer transfer(List<String> privateHosts) {
        return new HttpTransfer(AddressRules.publicAnd(privateHosts), stallLimit, pauses::add);
    }

    private DiskRoom room() {
        return reserved::add;
    }

    private static HubRepository hub(String revision, String subfolder) {
        return new HubRepository("acme/legal", revision, subfolder);
    }

    /// Large files lie on another host, as on the real hub.
    private void serveHub(String prefix, Map<String, byte[]> files) {
        serveRevision(
                "main", COMMIT, files.keySet().stream().map(name -> prefix + name).toList());
        serveRevision(
                COMMIT, COMMIT, files.keySet().stream().map(name -> prefix + name).toList());
        files.forEach((name, content) -> {
            String path = "/acme/legal/resolve/" + COMMIT + "/" + prefix.replace(" ", "%20") + name;
            if (content.length < 1000) {
                host.with(path, content, Map.of("ETag", "\"" + gitBlob(content) + "\""));
            } else {
                host.redirect(
                        path,
                        storage.uri() + "/" + name + "?signature=secret",
                        Map.of(
                                "X-Linked-ETag",
                                "\"" + Digest.sha256(content).hex() + "\"",
                                "X-Linked-Size",
                                Integer.toString(content.length)));
                storage.with("/" + name, content, Map.of("ETag", "\"" + "0".repeat(64) + "\""));
            }
        });
    }

    private void serveRevision(String name, String commit, Collection<String> files) {
        String siblings =
                files.stream().map("{\"rfilename\":\"%s\"}"::formatted).collect(Collectors.joining(","));
        host.with(
                "/api/models/acme/legal/revision/" + name,
                "{\"sha\":\"%s\",\"siblings\":[%s]}".formatted(commit, siblings).getBytes(StandardCharsets.UTF_8));
    }

    private void serveHttps() {
        host.with("/a/" + CONFIG, config).with("/a/" + WEIGHTS, weights);
    }

    private HttpsFiles https() {
        return https(config, weights);
    }

    private HttpsFiles https(byte[] config, byte[] weights) {
        return new HttpsFiles(
                host.uri().resolve("/a/"), Map.of(CONFIG, Digest.sha256(config), WEIGHTS, Digest.sha256(weights)));
    }

    private void serveS3(String bucket, String prefix, boolean checksums) {
        host.gate(new SigV4Check("AKIDEXAMPLE", SECRET_KEY, "eu-central-1")::status);
        String keys = List.of(CONFIG, WEIGHTS, "notes.txt").stream()
                .map(name -> "<Contents><Key>" + prefix + name + "</Key></Contents>")
                .collect(Collectors.joining());
        host.with(
                bucket,
                ("<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>" + keys
                                + "</ListBucketResult>")
                        .getBytes(StandardCharsets.UTF_8));
        String path = bucket + prefix.replace(" ", "%20").replace("+", "%2B");
        Map.of(CONFIG, config, WEIGHTS, weights).forEach((name, content) -> {
            var headers = new HashMap<>(Map.of("ETag", "\"first\""));
            if (checksums) {
                headers.put(
                        "x-amz-checksum-sha256",
                        Base64.getEncoder().encodeToString(Digest.sha256(content).bytes()));
            }
            host.with(path + name, content, headers);
        });
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(target)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private void clearTarget() throws IOException {
        for (String name : names()) {
            Files.delete(target.resolve(name));
        }
    }

    private static long sum(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).sum();
    }

    private static String gitBlob(byte[] content) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update("blob %d\0".formatted(content.length).getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(sha1.digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
