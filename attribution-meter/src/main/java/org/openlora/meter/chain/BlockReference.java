package org.openlora.meter.chain;

import java.util.Map;
import org.openlora.meter.evm.Bytes32;

/// The block that a read is made at. Several reads that belong together are pinned to one block by its hash
/// (EIP-1898), so that a reorganisation or a second node behind a balancer cannot mix two states.
///
/// @param parameter the JSON-RPC parameter: a tag, or an object that names a hash
public record BlockReference(Object parameter) {
    public static final BlockReference LATEST = new BlockReference("latest");

    public static BlockReference ofHash(Bytes32 hash) {
        return new BlockReference(Map.of("blockHash", hash.toString()));
    }
}
