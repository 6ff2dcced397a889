/// Files that are whole or absent whenever the machine stops, and their hashes.
@NullMarked
package org.openlora.adapters.files;

import org.jspecify.annotations.NullMarked;
