package org.openlora.adapters.files;

/// The CRC-64 of the NVM Express specification (reflected, polynomial 0xAD93D23594C93659), which S3 stores by default
/// and the JDK does not have.
final class Crc64Nvme implements Hashes.ByteSink {
    private static final long REFLECTED_POLYNOMIAL = 0x9A6C9329AC4BC9B5L;
    private static final long[] TABLE = table();

    private long register = -1;

    @Override
    public void update(byte[] bytes, int offset, int length) {
        long crc = register;
        for (int i = offset; i < offset + length; i++) {
            crc = TABLE[(int) (crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
        }
        register = crc;
    }

    long value() {
        return ~register;
    }

    private static long[] table() {
        var table = new long[256];
        for (int i = 0; i < table.length; i++) {
            long crc = i;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                crc = (crc >>> 1) ^ ((crc & 1) * REFLECTED_POLYNOMIAL);
            }
            table[i] = crc;
        }
        return table;
    }
}
