package org.openlora.meter.pricing;

/// How what is left after the platform's fee is divided, in basis points that sum to 10,000.
public record Split(int baseOwnerBps, int adapterOwnerBps, int operatorBps, int contributorsBps) {
    public Split {
        int sum = baseOwnerBps + adapterOwnerBps + operatorBps + contributorsBps;
        if (sum != 10_000) {
            throw new IllegalArgumentException("the split sums to " + sum + " basis points, not 10000");
        }
    }
}
