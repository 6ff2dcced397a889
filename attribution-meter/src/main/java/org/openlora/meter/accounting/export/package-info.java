/// Charges and payments as tables for other tools: CSV, Parquet and JSON lines with the columns of FOCUS 1.2
/// (the FinOps Open Cost and Usage Specification) and columns of our own that begin with `x_`.
///
/// Starting points: [LedgerExport], [ChargeTable], [PaymentTable], [TableWriter].
@NullMarked
package org.openlora.meter.accounting.export;

import org.jspecify.annotations.NullMarked;
