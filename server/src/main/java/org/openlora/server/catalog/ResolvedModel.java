package org.openlora.server.catalog;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A model on this machine.
///
/// @param name catalogue name, or the folder's or file's own
/// @param path the folder or the `.gguf` file
/// @param adapters folder of the adapters made for it; null where it brings none
/// @param datanets folder of the datanets that those adapters' lineages name; null where it brings none
/// @param baseDigest the digest it must have; empty where nobody pinned one
public record ResolvedModel(String name, Path path, @Nullable Path adapters, @Nullable Path datanets, String baseDigest) {}
