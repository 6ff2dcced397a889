package org.openlora.benchmarks.fleet;

import java.nio.file.Path;

/// Adapters of a specification that lie in a folder, each in a folder of its name.
public record Fleet(FleetSpec spec, Path folder, long bytes) {}
