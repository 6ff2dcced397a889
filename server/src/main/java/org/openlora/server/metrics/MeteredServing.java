package org.openlora.server.metrics;

import java.util.Optional;
import org.openlora.engine.GenerationSink;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.ServedModel;
import org.openlora.server.serving.Serving;

/// A stack whose requests are counted on their way.
record MeteredServing(Serving serving, RequestMetrics requests) implements Serving {
    @Override
    public ServedModel model() {
        return serving.model();
    }

    @Override
    public int[] tokenize(PromptInput prompt) {
        return serving.tokenize(prompt);
    }

    @Override
    public String decode(int... tokens) {
        return serving.decode(tokens);
    }

    @Override
    public Admission submit(GenerationCall call, GenerationSink sink) {
        RequestMetrics.Watched watched = requests.watch(
                call.adapters().stream().map(MeteredServing::name).toList(), call.choices(), sink);
        try {
            return serving.submit(call, watched);
        } catch (RuntimeException e) {
            watched.refused();
            throw e;
        }
    }

    private static String name(AdapterChoice choice) {
        return switch (choice) {
            case AdapterChoice.ByName byName -> byName.name();
            case AdapterChoice.ByDigest byDigest -> byDigest.digest().toString();
        };
    }

    @Override
    public Optional<String> refusal() {
        return serving.refusal();
    }

    @Override
    public void onRefusalChange(Runnable changed) {
        serving.onRefusalChange(changed);
    }

    @Override
    public void abort(Admission admission) {
        serving.abort(admission);
    }
}
