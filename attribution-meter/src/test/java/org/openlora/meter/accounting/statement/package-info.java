@NullMarked
package org.openlora.meter.accounting.statement;

import org.jspecify.annotations.NullMarked;
