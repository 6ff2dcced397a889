/// The database that a ledger is kept in: SQLite in a file, or PostgreSQL for several replicas. Transactions that
/// are durable and serialisable on both, and the tables' migrations.
///
/// Starting point: [Database].
@NullMarked
package org.openlora.meter.database;

import org.jspecify.annotations.NullMarked;
