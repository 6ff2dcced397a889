/// Files that are either whole or absent, and files mapped into memory.
///
/// Starting points: [StagedFolder], [MappedFile].
@NullMarked
package org.openlora.meter.files;

import org.jspecify.annotations.NullMarked;
