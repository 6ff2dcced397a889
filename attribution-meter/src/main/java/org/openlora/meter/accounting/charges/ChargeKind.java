package org.openlora.meter.accounting.charges;

import org.openlora.meter.pricing.Rates;

/// What a line of the table of charges is for.
public enum ChargeKind {
    PROMPT("prompt-tokens", "Prompt tokens", "Tokens"),
    CACHED("cached-tokens", "Prompt tokens from the prefix cache", "Tokens"),
    GENERATED("generated-tokens", "Generated tokens", "Tokens"),
    REQUEST("request-fee", "Fee per request", "Requests"),
    CREDIT("credit", "Credit on an earlier receipt", ""),
    DEBIT("debit", "Debit on an earlier receipt", "");

    private final String sku;
    private final String label;
    private final String unit;

    ChargeKind(String sku, String label, String unit) {
        this.sku = sku;
        this.label = label;
        this.unit = unit;
    }

    /// How FOCUS's columns name it.
    public String sku() {
        return sku;
    }

    /// For people.
    public String label() {
        return label;
    }

    /// In FOCUS's spelling; empty where nothing is counted.
    public String unit() {
        return unit;
    }

    /// Pico-units per 1,000 tokens.
    long ratePico(Rates rates) {
        return switch (this) {
            case PROMPT -> rates.promptPico();
            case CACHED -> rates.cachedPico();
            case GENERATED -> rates.generatedPico();
            case REQUEST, CREDIT, DEBIT -> throw new IllegalArgumentException(this + " is not priced by tokens");
        };
    }
}
