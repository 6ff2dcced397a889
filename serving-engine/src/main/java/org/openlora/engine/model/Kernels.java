package org.openlora.engine.model;

import org.openlora.kernels.DoraKernel;
import org.openlora.kernels.Elementwise;
import org.openlora.kernels.EmbeddingLoraKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.LoraKernel;
import org.openlora.kernels.PagedAttention;
import org.openlora.kernels.Rope;
import org.openlora.kernels.SavedModulesKernel;

/// The kernels of one forward pass, chosen at start-up.
record Kernels(
        LinearKernel linear,
        DoraKernel dora,
        LoraKernel lora,
        EmbeddingLoraKernel embeddingLora,
        SavedModulesKernel savedModules,
        PagedAttention attention,
        Elementwise elementwise,
        Rope rope) {}
