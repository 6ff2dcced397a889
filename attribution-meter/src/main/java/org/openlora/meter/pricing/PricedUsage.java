package org.openlora.meter.pricing;

import java.util.List;
import org.openlora.meter.receipt.Payment;

/// A price in pico-units and the payments that sum to it, ascending by [Payment#ORDER], none of them zero.
public record PricedUsage(long pricePico, List<Payment> payments) {
    public PricedUsage {
        payments = List.copyOf(payments);
    }
}
