/// What attackers gain: each known attack on attribution, run through the real scorer and the real pricing.
@NullMarked
package org.openlora.meter.redteam;

import org.jspecify.annotations.NullMarked;
