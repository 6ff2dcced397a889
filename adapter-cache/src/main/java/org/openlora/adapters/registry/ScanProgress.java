package org.openlora.adapters.registry;

import java.time.Duration;
import java.util.Optional;
import org.openlora.adapters.OneLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells in the log how a scan gets on: each adapter where there are few, each tenth of them where there are
/// many.
final class ScanProgress {
    private static final Logger LOG = LoggerFactory.getLogger(ScanProgress.class);

    /// Scans that read no more folders than this name each.
    private static final int FEW = 50;

    /// Failures that a scan of many names.
    private static final int NAMED_FAILURES = 20;

    private final int folders;
    private final long startNanos = System.nanoTime();
    private int done;
    private int failures;

    ScanProgress(int folders) {
        this.folders = folders;
        if (folders > FEW) {
            LOG.info("{} adapter folders are new or changed and are read in full", folders);
        }
    }

    /// @param state empty where the folder is gone
    void read(Optional<FolderState> state) {
        done++;
        state.ifPresent(this::name);
        if (folders > FEW && done * 10L / folders > (done - 1) * 10L / folders) {
            LOG.info(
                    "{} of {} adapter folders are read, {} cannot be served, {} s",
                    done,
                    folders,
                    failures,
                    Duration.ofNanos(System.nanoTime() - startNanos).toSeconds());
        }
    }

    private void name(FolderState state) {
        switch (state) {
            case FolderState.Sound(String name, var _, FoundAdapter found) -> {
                if (folders <= FEW) {
                    LOG.info("adapter {} is {}", OneLine.quote(name), found.digest());
                }
            }
            case FolderState.Broken broken -> failed(broken);
        }
    }

    private void failed(FolderState.Broken broken) {
        failures++;
        if (failures <= NAMED_FAILURES) {
            LOG.warn(
                    "adapter {} cannot be served: {}",
                    OneLine.quote(broken.name()),
                    broken.reason().getMessage());
        } else if (failures == NAMED_FAILURES + 1) {
            LOG.warn("more adapters cannot be served; the list of adapters says why");
        }
    }
}
