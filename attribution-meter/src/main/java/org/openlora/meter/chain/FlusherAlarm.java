package org.openlora.meter.chain;

/// What a person should look at. An alarm stands from the moment it is raised until its cause is gone.
public enum FlusherAlarm {
    /// A batch that was final is no longer on the chain, or not at its finalized block. It is sent again, which
    /// is safe; that finality was undone is not normal.
    FINALITY_REGRESSED("finality regressed"),
    /// The chain asks more per gas than the cap allows: nothing dearer is sent.
    FEE_CAP("fee cap reached"),
    /// The submitter's account cannot pay for the next transaction: nothing is sent.
    NO_FUNDS("no funds for gas"),
    /// A stream stopped for good: trying again cannot help and might do harm.
    HALTED("halted");

    private final String words;

    FlusherAlarm(String words) {
        this.words = words;
    }

    @Override
    public String toString() {
        return words;
    }
}
