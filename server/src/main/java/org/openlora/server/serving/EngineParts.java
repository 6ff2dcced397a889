package org.openlora.server.serving;

import org.openlora.adapters.AdapterResidency;
import org.openlora.engine.model.CausalLm;
import org.openlora.meter.ledger.LedgerStep;

/// What the engine is given of the stack's parts. A server gives them as they are; whoever wants to see, or to disturb,
/// what passes between them puts something in between.
interface EngineParts {
    EngineParts AS_THEY_ARE = new EngineParts() {};

    default CausalLm model(CausalLm model) {
        return model;
    }

    default AdapterResidency residency(AdapterResidency residency) {
        return residency;
    }

    /// Is told of the ledger's durable steps.
    default LedgerStep.Observer ledgerObserver() {
        return step -> {};
    }
}
