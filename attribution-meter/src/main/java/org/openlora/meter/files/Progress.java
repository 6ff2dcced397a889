package org.openlora.meter.files;

/// Is told how far a long piece of work has come. Called often, by the thread that works: cheap to ignore.
@FunctionalInterface
public interface Progress {
    /// Tells nobody.
    Progress NONE = (stage, done, total) -> {};

    /// @param stage what is being done, for people
    /// @param done of `total`, in units of the stage
    /// @param total -1 where it is not known before
    void at(String stage, long done, long total);
}
