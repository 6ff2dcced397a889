/// Statements: what a payee earned and what a tenant owes in one month, as text, JSON and a page to print.
///
/// Starting points: [Statements], [PayeeStatement], [AccountStatement].
@NullMarked
package org.openlora.meter.accounting.statement;

import org.jspecify.annotations.NullMarked;
