/// Receipts once they are written: found, sealed, anchored on a chain, verified.
///
/// Starting points: [org.openlora.server.receipts.Anchoring], [org.openlora.server.receipts.ReceiptDesk].
@NullMarked
package org.openlora.server.receipts;

import org.jspecify.annotations.NullMarked;
