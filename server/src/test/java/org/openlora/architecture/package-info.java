/// The architecture's invariants, as tests.
@NullMarked
package org.openlora.architecture;

import org.jspecify.annotations.NullMarked;
