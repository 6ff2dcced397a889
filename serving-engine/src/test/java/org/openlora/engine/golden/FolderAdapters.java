package org.openlora.engine.golden;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.peft.PeftConfig;
import org.openlora.kernels.LoraSlot;

/// The PEFT folders of a directory by their names, read once. One that is refused is so to whoever asks for it.
public final class FolderAdapters implements AdapterSource {
    private final BaseWeights base;
    private final Map<String, Digest> digests = new HashMap<>();
    private final Map<Digest, Read> adapters = new HashMap<>();
    private final Map<String, AdapterException> refused = new HashMap<>();

    private record Read(Path folder, PeftAdapter adapter) {}

    public FolderAdapters(Path directory, BaseWeights base) {
        this.base = base;
        try (Stream<Path> folders = Files.list(directory)) {
            folders.filter(folder -> Files.exists(folder.resolve(PeftConfig.FILE_NAME)))
                    .forEach(this::read);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read(Path folder) {
        String name = folder.getFileName().toString();
        try {
            PeftAdapter adapter = PeftAdapter.read(folder, base);
            digests.put(name, adapter.digest());
            adapters.put(adapter.digest(), new Read(folder, adapter));
        } catch (AdapterException e) {
            refused.put(name, e);
        }
    }

    public Digest digest(String name) {
        AdapterException refusal = refused.get(name);
        if (refusal != null) {
            throw refusal;
        }
        Digest digest = digests.get(name);
        if (digest == null) {
            throw new AdapterException(Code.NOT_FOUND, "no adapter " + name + " among " + digests.keySet());
        }
        return digest;
    }

    @Override
    public AdapterSize size(Digest adapter) {
        return read(adapter).adapter().size();
    }

    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        return PeftAdapter.load(read(adapter).folder(), base, adapter, memory);
    }

    private Read read(Digest adapter) {
        Read read = adapters.get(adapter);
        if (read == null) {
            throw new AdapterException(Code.NOT_FOUND, "no adapter with digest " + adapter);
        }
        return read;
    }
}
