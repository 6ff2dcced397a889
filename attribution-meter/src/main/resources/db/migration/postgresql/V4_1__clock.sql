-- The only clock that leases are measured by: milliseconds since the epoch.
CREATE VIEW clock AS SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS millis;
