package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Tuple;
import com.esaulpaugh.headlong.abi.TupleType;
import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// Reads the ledger contract's `BatchCommitted` events as a node delivers them, repetitions included.
public final class CommittedBatches {
    private static final Bytes32 TOPIC =
            Keccak256.hash("BatchCommitted(bytes32,bytes32,uint64,bytes32," + BatchHeader.ABI_TYPE + ")");
    private static final TupleType<Tuple> DATA = TupleType.parse("(bytes32," + BatchHeader.ABI_TYPE + ")");

    private final LedgerContract contract;

    public CommittedBatches(LedgerContract contract) {
        this.contract = contract;
    }

    /// The events of one operator's stream, in the order that the node gives them.
    ///
    /// @throws ChainException.Unreachable where the node does not answer, or with something else
    /// @throws ChainException.Refused where it refuses even a single block
    public List<CommittedBatch> of(Bytes32 operatorId, Bytes32 stream) {
        JsonRpc rpc = contract.rpc();
        List<CommittedBatch> events = new ArrayList<>();
        read(operatorId, stream, 0, rpc.longInteger(rpc.call("eth_blockNumber")), events);
        return events;
    }

    /// Nodes limit how many blocks or logs one answer spans, each in its own way: what is refused is asked in halves.
    private void read(Bytes32 operatorId, Bytes32 stream, long from, long to, List<CommittedBatch> events) {
        JsonNode logs;
        try {
            logs = contract.rpc()
                    .call(
                            "eth_getLogs",
                            Map.of(
                                    "address",
                                    contract.address().toString(),
                                    "fromBlock",
                                    JsonRpc.quantity(from),
                                    "toBlock",
                                    JsonRpc.quantity(to),
                                    "topics",
                                    List.of(TOPIC.toString(), operatorId.toString(), stream.toString())));
        } catch (ChainException.Refused e) {
            if (from == to) {
                throw e;
            }
            long middle = from + (to - from) / 2;
            read(operatorId, stream, from, middle, events);
            read(operatorId, stream, middle + 1, to, events);
            return;
        }
        logs.forEach(log -> events.add(event(log)));
    }

    private CommittedBatch event(JsonNode log) {
        JsonRpc rpc = contract.rpc();
        try {
            Tuple data = DATA.decode(rpc.bytes(log.path("data")));
            return new CommittedBatch(
                    rpc.word(log.path("blockHash")),
                    rpc.word(log.path("transactionHash")),
                    rpc.longInteger(log.path("logIndex")),
                    header(data.get(1)),
                    Bytes32.of(data.<byte[]>get(0)));
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            throw new ChainException.Unreachable(
                    rpc.endpoint() + " delivered a BatchCommitted event that cannot be read", e);
        }
    }

    private static BatchHeader header(Tuple batch) {
        return new BatchHeader(
                whole(batch, 0),
                word(batch, 1),
                word(batch, 2),
                whole(batch, 3),
                whole(batch, 4),
                Math.toIntExact(batch.<Long>get(5)),
                whole(batch, 6),
                whole(batch, 7),
                batch.get(8),
                batch.get(9),
                whole(batch, 10),
                whole(batch, 11),
                word(batch, 12),
                word(batch, 13),
                word(batch, 14),
                batch.get(15));
    }

    private static long whole(Tuple batch, int index) {
        return batch.<BigInteger>get(index).longValueExact();
    }

    private static Bytes32 word(Tuple batch, int index) {
        return Bytes32.of(batch.<byte[]>get(index));
    }
}
