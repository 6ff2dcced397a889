package org.openlora.meter.evidence;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.openlora.meter.evidence.AttributionRecord.AttributedSpan;
import org.openlora.meter.evidence.AttributionRecord.DatanetUse;
import org.openlora.meter.evm.Bytes32;

/// The canonical bytes of an attribution record: little-endian integers, lists as a u32 count and their items.
final class AttributionRecordCodec {
    private static final byte[] DOMAIN = "openlora/attribution/v1".getBytes(StandardCharsets.UTF_8);

    private AttributionRecordCodec() {}

    static byte[] encode(AttributionRecord record) {
        Output out = new Output();
        out.u64(DOMAIN.length).raw(DOMAIN);
        out.word(record.scorer()).word(record.tokenizer()).word(record.rarity());
        AttributionRules rules = record.rules();
        out.u32(rules.lambdaPpm()).u32(rules.rarityThresholdBits());
        out.u32(rules.occurrenceCap()).u32(rules.contributorCapPpm());
        out.u32(record.datanets().size());
        record.datanets().forEach(datanet -> out.word(datanet.digest()).u8(datanet.searched() ? 1 : 0));
        out.u32(record.targets().size());
        for (Target target : record.targets()) {
            out.u8(target.kind().code()).u32(target.datanet()).word(target.contributor());
        }
        encode(out, record.prior());
        out.u32(record.spans().size());
        for (AttributedSpan span : record.spans()) {
            out.u32(span.start()).u32(span.length()).u64(span.rarity()).u32(span.sourceCount());
            out.u32(span.sources().size());
            span.sources().forEach(source -> out.u32(source.datanet()).u32(source.row()));
            encode(out, span.shares());
        }
        out.u32(record.owners().size());
        record.owners().forEach(out::u32);
        record.totals().forEach(out::u64);
        return out.bytes();
    }

    private static void encode(Output out, Distribution distribution) {
        out.u32(distribution.targets().size());
        for (int i = 0; i < distribution.targets().size(); i++) {
            out.u32(distribution.targets().get(i)).u32(distribution.sharesPpm().get(i));
        }
    }

    static AttributionRecord decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        try {
            byte[] domain = new byte[DOMAIN.length];
            if (in.getLong() != DOMAIN.length
                    || !ByteBuffer.wrap(DOMAIN).equals(in.get(domain).slice(8, DOMAIN.length))) {
                throw new IllegalArgumentException("not an attribution record of version 1");
            }
            AttributionRecord record = decodeBody(in);
            if (in.hasRemaining()) {
                throw new IllegalArgumentException("attribution record: " + in.remaining() + " bytes behind its end");
            }
            return record;
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("attribution record: cut off after " + bytes.length + " bytes", e);
        }
    }

    private static AttributionRecord decodeBody(ByteBuffer in) {
        Bytes32 scorer = word(in);
        Bytes32 tokenizer = word(in);
        Bytes32 rarity = word(in);
        AttributionRules rules = new AttributionRules(in.getInt(), in.getInt(), in.getInt(), in.getInt());
        List<DatanetUse> datanets = list(in, () -> new DatanetUse(word(in), flag(in)));
        List<Target> targets = list(in, () -> new Target(Target.Kind.ofCode(in.get()), in.getInt(), word(in)));
        Distribution prior = distribution(in);
        List<AttributedSpan> spans = list(
                in,
                () -> new AttributedSpan(
                        in.getInt(),
                        in.getInt(),
                        in.getLong(),
                        in.getInt(),
                        list(in, () -> new Source(in.getInt(), in.getInt())),
                        distribution(in)));
        List<Integer> owners = list(in, in::getInt);
        List<Long> totals = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            totals.add(in.getLong());
        }
        return new AttributionRecord(scorer, tokenizer, rarity, rules, datanets, targets, prior, spans, owners, totals);
    }

    private static Distribution distribution(ByteBuffer in) {
        List<Integer> targets = new ArrayList<>();
        List<Integer> shares = list(in, () -> {
            targets.add(in.getInt());
            return in.getInt();
        });
        return new Distribution(targets, shares);
    }

    private static <T> List<T> list(ByteBuffer in, Supplier<T> item) {
        int count = in.getInt();
        if (count < 0 || count > in.remaining()) {
            throw new IllegalArgumentException(
                    "attribution record: a list of " + Integer.toUnsignedString(count) + " items cannot follow");
        }
        List<T> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(item.get());
        }
        return items;
    }

    private static boolean flag(ByteBuffer in) {
        int code = in.get();
        if (code != 0 && code != 1) {
            throw new IllegalArgumentException("attribution record: a flag is 0 or 1, not " + code);
        }
        return code == 1;
    }

    private static Bytes32 word(ByteBuffer in) {
        byte[] bytes = new byte[Bytes32.SIZE_BYTES];
        in.get(bytes);
        return Bytes32.of(bytes);
    }

    /// Growing little-endian output.
    private static final class Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
        private final ByteBuffer scratch = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);

        Output u8(int value) {
            bytes.write(value);
            return this;
        }

        Output u32(int value) {
            bytes.write(scratch.putInt(0, value).array(), 0, Integer.BYTES);
            return this;
        }

        Output u64(long value) {
            bytes.write(scratch.putLong(0, value).array(), 0, Long.BYTES);
            return this;
        }

        Output word(Bytes32 value) {
            return raw(value.bytes());
        }

        Output raw(byte[] value) {
            bytes.writeBytes(value);
            return this;
        }

        byte[] bytes() {
            return bytes.toByteArray();
        }
    }
}
