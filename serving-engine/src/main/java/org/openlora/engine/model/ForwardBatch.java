package org.openlora.engine.model;

import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.LoraBatch;

/// One step's rows, complete: what the forward pass reads besides the weights.
///
/// @param tokens token ids, one per row
/// @param slotMapping where each row's keys and values go: block id · block tokens + place; one per row
/// @param attention each row's position, sequence and the block tables
/// @param lora which adapters apply to which rows; rows without an entry are the bare base's
/// @param logitRows rows whose logits are wanted, ascending
@SuppressWarnings("ArrayRecordComponent") // Built once per step and read by the kernels; never compared.
public record ForwardBatch(int[] tokens, int[] slotMapping, AttentionBatch attention, LoraBatch lora, int[] logitRows) {
    public ForwardBatch {
        if (tokens.length == 0
                || slotMapping.length != tokens.length
                || attention.positions().length != tokens.length) {
            throw new IllegalArgumentException(tokens.length + " tokens, " + slotMapping.length + " slots, "
                    + attention.positions().length + " positions: one of each per row is needed");
        }
    }

    public int rows() {
        return tokens.length;
    }
}
