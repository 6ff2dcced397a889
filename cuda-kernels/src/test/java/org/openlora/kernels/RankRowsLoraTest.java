package org.openlora.kernels;

class RankRowsLoraTest extends LoraKernelContract {
    @Override
    LoraLayout layout() {
        return LoraLayout.RANK_ROWS;
    }

    @Override
    void check(String what, LoraBatch batch, float[] x, float[] before, float[] actual) {
        float[] expected = before.clone();
        ReferenceKernels.lora(batch, 0, LoraPoint.QKV, x, INPUTS, expected, OUTPUTS);
        Tolerance.LORA.check(what, actual, expected);
    }
}
