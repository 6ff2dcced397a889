/// What a request costs and who is paid: price books and the one rounding that turns exact shares into payments.
///
/// Starting points: [PriceBook], [Pricing], [PayeeTable].
@NullMarked
package org.openlora.meter.pricing;

import org.jspecify.annotations.NullMarked;
