package org.openlora.server.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.catalog.ModelStore;
import org.openlora.server.catalog.ResolvedModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora model …`.
@Command(
        name = "model",
        description = "Lists, fetches and examines base models.",
        subcommands = {ModelCommand.ListModels.class, ModelCommand.Pull.class, ModelCommand.Inspect.class})
final class ModelCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: list, pull or inspect");
    }

    @Command(name = "list", description = "Lists the models of the catalogue and which of them are here.")
    static final class ListModels implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            ModelCatalog catalog = ModelCatalog.shipped();
            ModelStore store = Environment.models(catalog);
            for (String name : catalog.names()) {
                ModelCatalog.Entry entry = catalog.require(name);
                out.printf("%-28s %-8s %-11s %s%n", name, store.state(name), entry.licence(), entry.description());
            }
            return ExitStatus.OK;
        }
    }

    @Command(name = "pull", description = "Fetches a model of the catalogue, verified; goes on where it was interrupted.")
    static final class Pull implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Parameters(paramLabel = "NAME", description = "A name of openlora model list.")
        private String name = "";

        @Override
        public Integer call() {
            ResolvedModel model = Environment.models(ModelCatalog.shipped()).pull(name);
            spec.commandLine().getOut().printf("%s is here: %s%n", name, model.path());
            return ExitStatus.OK;
        }
    }

    @Command(name = "inspect", description = "Verifies a model's files and prints what it is.")
    static final class Inspect implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Parameters(paramLabel = "MODEL", description = "A catalogue name that is here, a folder or a .gguf file.")
        private String nameOrPath = "";

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            ModelCatalog catalog = ModelCatalog.shipped();
            ModelStore store = Environment.models(catalog);
            ResolvedModel model = store.resolve(nameOrPath);
            out.println("name          " + model.name());
            out.println("path          " + model.path());
            catalog.find(nameOrPath).ifPresent(entry -> {
                out.println("source        " + entry.source().describe());
                out.println("licence       " + entry.licence());
                store.revision(nameOrPath).ifPresent(revision -> out.println("revision      " + revision));
                store.verify(nameOrPath).forEach(file -> out.println("verified      " + file));
            });
            describe(out, model.path());
            return ExitStatus.OK;
        }

        private static void describe(PrintWriter out, Path path) {
            try (BaseCheckpoint checkpoint = BaseCheckpoint.open(path)) {
                ModelConfig config = checkpoint.config();
                out.println("architecture  " + config.architecture().id());
                out.printf(
                        "shape         %d layers, hidden %d, %d heads of %d, %d key/value heads, vocabulary %d%n",
                        config.layers(),
                        config.hiddenSize(),
                        config.heads(),
                        config.headDim(),
                        config.kvHeads(),
                        config.vocabularySize());
                out.println("context       " + config.contextLength() + " tokens");
                out.println("base digest   " + checkpoint.digest());
            }
        }
    }
}
