@NullMarked
package org.openlora.meter.accounting.export;

import org.jspecify.annotations.NullMarked;
