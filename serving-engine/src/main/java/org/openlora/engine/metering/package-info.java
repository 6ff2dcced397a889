/// The joint between the engine and the meter: what a step counted becomes a durable usage row.
///
/// Starting points: [MeterUsageSink].
@NullMarked
package org.openlora.engine.metering;

import org.jspecify.annotations.NullMarked;
