/// Receipt v1: its members and rules, its EIP-712 hash, its canonical JSON, and the signatures of receipts and
/// usage acknowledgements.
///
/// Starting points: [Receipt], [ReceiptCodec], [SignedReceipt], [OperatorKey], [UsageAcknowledgement].
@NullMarked
package org.openlora.meter.receipt;

import org.jspecify.annotations.NullMarked;
