package org.openlora.adapters.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.openlora.adapters.store.TestAdapters.bytesBelow;
import static org.openlora.adapters.store.TestAdapters.digest;
import static org.openlora.adapters.store.TestAdapters.fetch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.peft.AdapterFixture;
import org.openlora.adapters.peft.PeftAdapter;

class AdapterStoreTest {
    private static final int SIZE = 1000;
    private static final long CAPACITY = 3 * SIZE;

    @TempDir
    private Path temporary;

    private Path root;
    private AdapterStore store;

    @BeforeEach
    void open() {
        root = temporary.resolve("adapters");
        store = AdapterStore.open(root, CAPACITY, TestAdapters::read);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void put_newDigest_isServedFromThenOn() {
        Digest digest = digest(1, SIZE);
        assertThat(store.open(digest)).isEmpty();

        try (StoredAdapter held = store.put(digest, fetch(1, SIZE))) {
            assertThat(held.sizeBytes()).isEqualTo(SIZE);
            assertThat(TestAdapters.read(held.folder())).isEqualTo(digest);
        }
        try (StoredAdapter held = store.put(digest, refuse())) {
            assertThat(TestAdapters.read(held.folder())).isEqualTo(digest);
        }
        assertThat(store.stats()).isEqualTo(new StoreStats(CAPACITY, SIZE, 1, 0, 0, 1, 0, 0));
    }

    @Test
    void add_contentThatIsThereAlready_isHeldOnce() {
        store.add(fetch(1, SIZE)).close();

        try (StoredAdapter held = store.add(fetch(1, SIZE))) {
            assertThat(held.digest()).isEqualTo(digest(1, SIZE));
        }
        assertThat(store.stats().usedBytes()).isEqualTo(SIZE);
        assertNothingHalfDone();
    }

    @Test
    void put_otherContent_isRefusedWithBothDigests() {
        assertCode(Code.CHANGED, () -> store.put(digest(1, SIZE), fetch(2, SIZE)))
                .hasMessageContaining(digest(1, SIZE).toString())
                .hasMessageContaining(digest(2, SIZE).toString());

        assertThat(store.digests()).isEmpty();
        assertNothingHalfDone();
    }

    @Test
    void put_manifestAndForeignFiles_areNotKept() throws IOException {
        AdapterStore.Fetch more = (folder, room) -> {
            fetch(1, SIZE).into(folder, room);
            Files.writeString(folder.resolve("adapter.yaml"), "owner: somebody");
            Files.writeString(Files.createDirectory(folder.resolve("notes")).resolve("a.txt"), "a");
        };
        try (StoredAdapter held = store.put(digest(1, SIZE), more);
                var files = Files.list(held.folder())) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(TestAdapters.CONFIG, TestAdapters.WEIGHTS);
        }
    }

    @Test
    void put_manyThreadsOneDigest_fetchesOnce() throws Exception {
        var fetches = new AtomicInteger();
        var started = new CountDownLatch(1);
        AdapterStore.Fetch slow = (folder, room) -> {
            fetches.incrementAndGet();
            awaitQuietly(started);
            fetch(1, SIZE).into(folder, room);
        };
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<Digest>>();
            for (int i = 0; i < 16; i++) {
                all.add(threads.submit(() -> {
                    try (StoredAdapter held = store.put(digest(1, SIZE), slow)) {
                        return TestAdapters.read(held.folder());
                    }
                }));
            }
            started.countDown();
            for (Future<Digest> one : all) {
                assertThat(one.get()).isEqualTo(digest(1, SIZE));
            }
        }
        assertThat(fetches).hasValue(1);
        assertThat(store.stats().held()).isZero();
    }

    @Test
    void put_fetchFails_nothingIsLeftAndTheNextMaySucceed() {
        AdapterStore.Fetch failing = (folder, room) -> {
            fetch(1, SIZE).into(folder, room);
            throw new AdapterException(Code.UNAVAILABLE, "the line is cut");
        };
        assertCode(Code.UNAVAILABLE, () -> store.put(digest(1, SIZE), failing)).hasMessage("the line is cut");
        assertNothingHalfDone();
        assertThat(store.stats().usedBytes()).isZero();

        store.put(digest(1, SIZE), fetch(1, SIZE)).close();
        assertThat(store.digests()).containsExactly(digest(1, SIZE));
    }

    @Test
    void put_diskIsFull_saysSoAndLeavesNothing() {
        assumeTrue(Files.exists(Path.of("/dev/full")), "this system has no /dev/full");
        AdapterStore.Fetch full = (folder, room) -> {
            fetch(1, SIZE).into(folder, room);
            try (var out = Files.newOutputStream(Path.of("/dev/full"))) {
                out.write(new byte[SIZE]);
            }
        };
        assertCode(Code.UNAVAILABLE, () -> store.put(digest(1, SIZE), full))
                .hasMessageContaining("cannot be stored: No space left on device")
                .hasMessageContaining("bytes are left");
        assertNothingHalfDone();
        assertThat(store.stats().usedBytes()).isZero();
    }

    @Test
    void put_noRoom_leastRecentlyUsedGoes() {
        for (int i = 0; i < 3; i++) {
            store.put(digest(i, SIZE), fetch(i, SIZE)).close();
        }
        store.open(digest(0, SIZE)).orElseThrow().close();
        store.put(digest(3, SIZE), fetch(3, SIZE)).close();

        assertThat(store.digests()).containsExactly(digest(2, SIZE), digest(0, SIZE), digest(3, SIZE));
        assertThat(bytesBelow(root)).isEqualTo(CAPACITY);
        assertThat(store.stats().evictions()).isEqualTo(1);
    }

    @Test
    void put_allIsHeld_isRefusedAndNobodyLosesItsFolder() {
        List<StoredAdapter> held = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            held.add(store.put(digest(i, SIZE), fetch(i, SIZE)));
        }
        assertCode(Code.NO_ROOM, () -> store.put(digest(3, SIZE), fetch(3, SIZE)))
                .hasMessage("no room for 1000 bytes: 3000 of the store's 3000 are in use or on their way");
        for (StoredAdapter adapter : held) {
            assertThat(TestAdapters.read(adapter.folder())).isEqualTo(adapter.digest());
            adapter.close();
            adapter.close();
        }
        store.put(digest(3, SIZE), fetch(3, SIZE)).close();
    }

    @Test
    void put_largerThanTheStore_isRefusedAndNobodyMakesRoom() {
        store.put(digest(1, SIZE), fetch(1, SIZE)).close();
        int tooMany = (int) CAPACITY + 1;
        assertCode(Code.TOO_LARGE, () -> store.put(digest(2, tooMany), fetch(2, tooMany)));
        assertThat(store.digests()).containsExactly(digest(1, SIZE));
    }

    @Test
    void put_writesMoreThanItAskedFor_isCountedAllTheSame() {
        AdapterStore.Fetch silent = (folder, room) -> fetch(1, SIZE).into(folder, bytes -> {});
        store.put(digest(1, SIZE), silent).close();
        assertThat(store.stats().usedBytes()).isEqualTo(SIZE);
    }

    @Test
    void use_damagedFolder_isFetchedAgainOnce() throws IOException {
        Digest digest = digest(1, SIZE);
        try (StoredAdapter held = store.put(digest, fetch(1, SIZE))) {
            Path weights = held.folder().resolve(TestAdapters.WEIGHTS);
            byte[] bytes = Files.readAllBytes(weights);
            bytes[17] ^= 1;
            Files.write(weights, bytes);
        }
        Digest fetched = store.use(digest, fetch(1, SIZE), folder -> checked(folder, digest));
        assertThat(fetched).isEqualTo(digest);
        assertThat(store.stats().rejected()).isEqualTo(1);
        assertThat(store.stats().usedBytes()).isEqualTo(SIZE);
        Digest stored = store.use(digest, refuse(), folder -> checked(folder, digest));
        assertThat(stored).isEqualTo(digest);
    }

    @Test
    void use_refusedForAnotherReason_isNotFetchedAgain() {
        store.put(digest(1, SIZE), fetch(1, SIZE)).close();
        assertCode(
                Code.WRONG_BASE,
                () -> store.use(digest(1, SIZE), refuse(), folder -> {
                    throw new AdapterException(Code.WRONG_BASE, "made for another base");
                }));
        assertThat(store.digests()).containsExactly(digest(1, SIZE));
    }

    @Test
    void reject_fetchedAgainSince_staysWhereItIs() {
        Digest digest = digest(1, SIZE);
        StoredAdapter old = store.put(digest, fetch(1, SIZE));
        store.reject(old, "a test says so");
        StoredAdapter fresh = store.put(digest, fetch(1, SIZE));

        store.reject(old, "a test says so again");
        old.close();

        assertThat(TestAdapters.read(fresh.folder())).isEqualTo(digest);
        assertThat(store.stats().held()).isEqualTo(1);
        fresh.close();
        assertThat(store.stats()).isEqualTo(new StoreStats(CAPACITY, SIZE, 1, 0, 0, 2, 0, 1));
    }

    @Test
    void remove_heldAdapter_stays() {
        StoredAdapter held = store.put(digest(1, SIZE), fetch(1, SIZE));
        assertThat(store.remove(digest(1, SIZE))).isFalse();
        held.close();
        assertThat(store.remove(digest(1, SIZE))).isTrue();
        assertThat(store.remove(digest(1, SIZE))).isTrue();
        assertThat(bytesBelow(root)).isZero();
    }

    @Test
    void open_leftOversOfAKilledProcess_areSwept() throws IOException {
        store.put(digest(1, SIZE), fetch(1, SIZE)).close();
        store.close();
        Path half = Files.createDirectory(root.resolve("incoming/7"));
        Files.write(half.resolve(TestAdapters.WEIGHTS), new byte[100]);
        Files.write(Files.createDirectory(root.resolve("outgoing/3")).resolve("a"), new byte[100]);
        Path foreign = Files.writeString(root.resolve("content/notes.txt"), "mine");

        store = AdapterStore.open(root, CAPACITY, TestAdapters::read);

        assertThat(store.digests()).containsExactly(digest(1, SIZE));
        assertNothingHalfDone();
        assertThat(foreign).exists();
    }

    @Test
    void open_smallerBudget_keepsTheMostRecentlyUsed() throws IOException {
        for (int i = 0; i < 3; i++) {
            try (StoredAdapter held = store.put(digest(i, SIZE), fetch(i, SIZE))) {
                assertThat(held.sizeBytes()).isEqualTo(SIZE);
            }
            Files.setLastModifiedTime(
                    root.resolve("content").resolve(digest(i, SIZE).hex()),
                    FileTime.from(Instant.EPOCH.plusSeconds(10 - i)));
        }
        store.close();

        store = AdapterStore.open(root, 2 * SIZE, TestAdapters::read);

        assertThat(store.digests()).containsExactly(digest(1, SIZE), digest(0, SIZE));
        assertThat(bytesBelow(root)).isEqualTo(2 * SIZE);
    }

    @Test
    void open_inUse_isRefused() {
        assertCode(Code.UNAVAILABLE, () -> AdapterStore.open(root, CAPACITY, TestAdapters::read))
                .hasMessageContaining("in use already");
    }

    @Test
    void calls_afterClose_areRefused() {
        StoredAdapter held = store.put(digest(1, SIZE), fetch(1, SIZE));
        store.close();
        assertCode(Code.CLOSED, () -> store.open(digest(1, SIZE)));
        assertCode(Code.CLOSED, () -> store.put(digest(2, SIZE), fetch(2, SIZE)));
        held.close();
        assertNothingHalfDone();
    }

    @Test
    void peftAdapter_throughTheStore_keepsItsDigest() throws IOException {
        Path origin = AdapterFixture.sound(5).write(temporary.resolve("origin"));
        Digest digest = PeftAdapter.read(origin, AdapterFixture.BASE).digest();
        try (AdapterStore peft = AdapterStore.open(
                temporary.resolve("peft"), 1 << 20, folder -> PeftAdapter.read(folder, AdapterFixture.BASE).digest())) {
            AdapterStore.Fetch copy = (folder, room) -> {
                for (String name : List.of(TestAdapters.CONFIG, TestAdapters.WEIGHTS)) {
                    room.reserve(Files.size(origin.resolve(name)));
                    Files.copy(origin.resolve(name), folder.resolve(name));
                }
            };
            Digest read = peft.use(
                    digest, copy, folder -> PeftAdapter.read(folder, AdapterFixture.BASE).digest());
            assertThat(read).isEqualTo(digest);
            AdapterStore.Fetch unsound = (folder, room) -> Files.writeString(
                    folder.resolve(TestAdapters.CONFIG), "{}", StandardCharsets.UTF_8);
            assertThatThrownBy(() -> peft.add(unsound)).isInstanceOf(AdapterException.class);
            assertThat(peft.digests()).containsExactly(digest);
        }
    }

    @Test
    void anyCalls_inAnyOrder_keepBytesWithinTheBudgetAndHeldFoldersWhole() {
        var random = new Random(11);
        Deque<StoredAdapter> held = new ArrayDeque<>();
        int refused = 0;
        for (int step = 0; step < 400; step++) {
            int number = random.nextInt(12);
            int bytes = 100 + 90 * number;
            try {
                held.add(store.put(digest(number, bytes), fetch(number, bytes)));
            } catch (AdapterException e) {
                assertThat(e.code()).isEqualTo(Code.NO_ROOM);
                refused++;
            }
            while (held.size() > random.nextInt(6)) {
                held.remove().close();
            }
            assertThat(bytesBelow(root)).isEqualTo(store.stats().usedBytes()).isLessThanOrEqualTo(CAPACITY);
            for (StoredAdapter adapter : held) {
                assertThat(TestAdapters.read(adapter.folder())).isEqualTo(adapter.digest());
            }
        }
        assertThat(refused).isPositive();
        assertThat(store.stats().evictions()).isGreaterThan(50);
    }

    private static Digest checked(Path folder, Digest expected) {
        Digest found = TestAdapters.read(folder);
        if (!found.equals(expected)) {
            throw new AdapterException(Code.CHANGED, "found " + found);
        }
        return found;
    }

    private static AdapterStore.Fetch refuse() {
        return (folder, room) -> {
            throw new AssertionError("nothing is to be fetched");
        };
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void assertNothingHalfDone() {
        assertThat(root.resolve("incoming")).isEmptyDirectory();
        assertThat(root.resolve("outgoing")).isEmptyDirectory();
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertCode(
            Code code, ThrowingCallable call) {
        return assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
