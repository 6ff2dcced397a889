@NullMarked
package org.openlora.meter.database;

import org.jspecify.annotations.NullMarked;
