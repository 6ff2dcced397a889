package org.openlora.meter.duplicates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openlora.meter.duplicates.NearDuplicates.Registered;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;

class NearDuplicatesTest {
    private static final String TIDE = "The tide comes back to the grey harbour at dusk, and the boats rise with it.";

    /// Texts as the rows of a datanet.
    private record Texts(Bytes32 datanet, List<String> texts, List<int[]> keys) implements BandedRows {
        Texts(String name, List<String> texts) {
            this(
                    Fixtures.word(name),
                    List.copyOf(texts),
                    texts.stream().map(NearDuplicates::bandsOf).toList());
        }

        @Override
        public int size() {
            return texts.size();
        }

        @Override
        public String text(int row) {
            return texts.get(row);
        }

        @Override
        public int band(int row, int band) {
            return keys.get(row)[band];
        }
    }

    private static Copies find(Texts... datanets) {
        List<Registered> registered = new ArrayList<>();
        Copies copies = Copies.none();
        for (Texts datanet : datanets) {
            copies = NearDuplicates.find(registered, datanet, Progress.NONE);
            registered.add(new Registered(datanet, copies));
        }
        return copies;
    }

    @Test
    void find_smallChanges_areCopiesOfTheFirst() {
        Texts first = new Texts("first", List.of("Something else entirely, about bread and butter.", TIDE));
        Texts second = new Texts(
                "second",
                List.of(
                        TIDE,
                        "  the TIDE comes back to the\tgrey harbour at dusk, and the boats rise with it. ",
                        TIDE.replace("grey", "gray"),
                        TIDE.replace("boats", "little boats"),
                        "The tide comes back to the grey harbour."));
        Copies copies = find(first, second);
        RowId original = new RowId(first.datanet(), 1);
        for (int row = 0; row < 4; row++) {
            assertThat(copies.originalOf(row)).as("row %d", row).contains(original);
        }
        assertThat(copies.originalOf(4)).as("half of the text").isEmpty();
        assertThat(find(first).size()).isZero();
    }

    @Test
    void find_copyOfACopy_namesTheOriginalAlone() {
        // Each step changes a little; the last is far from the first.
        String second = TIDE + " So it goes.";
        String third = second.substring("The tide comes".length());
        Copies copies = find(new Texts("chain", List.of(TIDE, second, third)));
        assertThat(Shingles.of(TIDE).isNear(Shingles.of(second))).isTrue();
        assertThat(Shingles.of(second).isNear(Shingles.of(third))).isTrue();
        assertThat(Shingles.of(TIDE).isNear(Shingles.of(third))).isFalse();
        assertThat(copies.originalOf(1)).contains(new RowId(Fixtures.word("chain"), 0));
        assertThat(copies.originalOf(2)).as("near to a copy only").isEmpty();
    }

    @Test
    void isNear_sevenTenths_isTheBorder() {
        // Distinct runs of eight: n characters have n - 7 shingles.
        String whole = IntStream.range(0, 107)
                .mapToObj(i -> Character.toString(0x100 + i))
                .reduce("", String::concat);
        Shingles all = Shingles.of(whole);
        int size = all.size();
        for (int cut = 0; cut < 40; cut++) {
            Shingles part = Shingles.of(whole.substring(0, whole.length() - cut));
            assertThat(all.isNear(part))
                    .as("%d of %d", part.size(), size)
                    .isEqualTo(10L * part.size() >= 7L * size)
                    .isEqualTo(part.isNear(all));
        }
    }

    @Test
    void shingles_shortTexts_areComparedToo() {
        assertThat(Shingles.of("Yes").isNear(Shingles.of(" yes\n"))).isTrue();
        assertThat(Shingles.of("Yes").isNear(Shingles.of("No"))).isFalse();
        assertThat(Shingles.of("Yes").size()).isEqualTo(1);
        assertThat(Shingles.of("12345678").size()).isEqualTo(1);
        assertThat(Shingles.of("123456789").size()).isEqualTo(2);
    }

    @Test
    void find_randomEdits_agreesWithComparingEveryPair() {
        Random random = new Random(11);
        List<String> texts = new ArrayList<>();
        for (int row = 0; row < 600; row++) {
            texts.add(
                    row > 0 && random.nextInt(3) > 0
                            ? edited(texts.get(random.nextInt(row)), random)
                            : words(random, 12 + random.nextInt(20)));
        }
        Copies copies = find(new Texts("edits", texts));
        List<Shingles> shingles = texts.stream().map(Shingles::of).toList();
        List<Integer> originals = new ArrayList<>();
        int missed = 0;
        for (int row = 0; row < texts.size(); row++) {
            Shingles here = shingles.get(row);
            Optional<Integer> first =
                    originals.stream().filter(o -> shingles.get(o).isNear(here)).findFirst();
            Optional<Integer> found = copies.originalOf(row).map(RowId::row);
            if (!found.equals(first)) {
                missed++;
            }
            if (found.isEmpty()) {
                originals.add(row);
            }
        }
        assertThat(copies.size()).isGreaterThan(100);
        // One pair in 6,500 at the border of similarity shares no band.
        assertThat(missed).isLessThanOrEqualTo(1);
    }

    @Test
    void find_oneTemplateManyTimes_staysWithinItsBounds() {
        Random random = new Random(12);
        List<String> texts = new ArrayList<>();
        for (int row = 0; row < 3_000; row++) {
            texts.add("Which harbour does the ship " + words(random, 4) + " sail to when the wind turns?");
        }
        texts.addAll(Collections.nCopies(500, texts.getFirst()));
        Copies copies = find(new Texts("template", texts));
        assertThat(IntStream.range(3_000, 3_500).mapToObj(copies::originalOf))
                .allMatch(original -> original.orElseThrow().row() == 0);
    }

    @Test
    void find_sameRowsInAnyDatanets_givesTheSameOriginals() {
        Random random = new Random(13);
        List<String> texts = new ArrayList<>();
        for (int row = 0; row < 200; row++) {
            texts.add(
                    row > 0 && random.nextBoolean()
                            ? edited(texts.get(random.nextInt(row)), random)
                            : words(random, 20));
        }
        Copies together = find(new Texts("all", texts));
        Texts head = new Texts("head", texts.subList(0, 90));
        Copies apart = find(head, new Texts("tail", texts.subList(90, 200)));
        for (int row = 90; row < 200; row++) {
            Optional<Integer> expected = together.originalOf(row).map(RowId::row);
            Optional<Integer> actual = apart.originalOf(row - 90)
                    .map(id -> id.datanet().equals(head.datanet()) ? id.row() : id.row() + 90);
            assertThat(actual).isEqualTo(expected);
        }
    }

    @Test
    void bands_similarityAndAgreement_goTogether() {
        Random random = new Random(14);
        int shared = 0;
        int none = 0;
        for (int round = 0; round < 200; round++) {
            String text = words(random, 30);
            shared += agreeing(text, text.replaceFirst(" [a-z]+ ", " other ")) > 0 ? 1 : 0;
            none += agreeing(text, words(random, 30)) > 0 ? 1 : 0;
        }
        assertThat(shared).isEqualTo(200);
        assertThat(none).isZero();
    }

    @Test
    void bandsOf_oneText_areThoseOfTheFormat() {
        assertThat(Arrays.copyOf(NearDuplicates.bandsOf("the tide returns to the grey harbour at dusk"), 4))
                .containsExactly(-574410262, 1377918784, -306915107, 1800138410);
    }

    @Test
    void copies_outOfOrder_areRefused() {
        Copies.Builder builder = new Copies.Builder().add(3, new RowId(Fixtures.word("a"), 0));
        assertThatThrownBy(() -> builder.add(3, new RowId(Fixtures.word("a"), 1)))
                .hasMessage("copies come in ascending order, row 3 does not");
    }

    private static int agreeing(String one, String other) {
        int[] a = NearDuplicates.bandsOf(one);
        int[] b = NearDuplicates.bandsOf(other);
        return (int) IntStream.range(0, a.length).filter(i -> a[i] == b[i]).count();
    }

    private static String words(Random random, int count) {
        StringBuilder text = new StringBuilder();
        Set<String> used = new HashSet<>();
        while (used.size() < count) {
            String word = Integer.toString(random.nextInt(1_000_000), 36).replaceAll("[0-9]", "e");
            if (used.add(word)) {
                text.append(text.isEmpty() ? "" : " ").append(word);
            }
        }
        return text.toString();
    }

    private static String edited(String text, Random random) {
        String[] words = text.split(" ");
        for (int edits = random.nextInt(4); edits >= 0; edits--) {
            words[random.nextInt(words.length)] = words(random, 1);
        }
        return String.join(" ", words);
    }
}
