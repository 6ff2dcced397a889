-- The only clock that leases are measured by: milliseconds since the epoch.
CREATE VIEW clock AS SELECT CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER) AS millis;
