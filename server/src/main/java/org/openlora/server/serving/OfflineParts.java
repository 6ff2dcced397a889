package org.openlora.server.serving;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.openlora.adapters.host.HostLimits;
import org.openlora.engine.BaseModel;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.TokenEncoder;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;

/// The parts of a serving stack that can be had beside a running one: what is only read, and a model of one's own.
///
/// @param resolved the model of the settings, on this machine
public record OfflineParts(ServerConfig config, Installation installation, ResolvedModel resolved) {
    /// The folder or the `.gguf` file.
    public Path modelPath() {
        return resolved.path();
    }

    /// The model, packed and not warmed up; the caller closes it.
    ///
    /// @throws org.openlora.server.problem.Problem or another one-line exception
    public BaseModel loadModel() {
        return ServingStack.loadModel(resolved, config.engine());
    }

    /// Most rows of one step of [#loadModel].
    public int maxRows() {
        return config.engine().maxNumBatchedTokens();
    }

    /// The datanets that the ledger's registry knows, with their indices.
    ///
    /// @param encoders by tokenizer digest
    public CorpusLibrary corpora(AttachedLedger ledger, Map<Bytes32, TokenEncoder> encoders) {
        return new CorpusLibrary(
                DatanetRegistry.open(ledger.database(), installation.datanets(), InstantSource.system()),
                new IndexStore(installation.indices()),
                encoders);
    }

    /// Folder whose sub-folders are adapters.
    public Path adapterRoot() {
        return ServingStack.adapterRoot(config, installation, resolved);
    }

    /// Folder whose sub-folders are fetched adapters, named by digest.
    public Path fetchedAdapters() {
        return installation.adapterStore().resolve("content");
    }

    public HostLimits hostLimits() {
        return ServingStack.limits(config.adapters());
    }
}
