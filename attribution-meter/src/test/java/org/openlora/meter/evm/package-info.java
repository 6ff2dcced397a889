@NullMarked
package org.openlora.meter.evm;

import org.jspecify.annotations.NullMarked;
