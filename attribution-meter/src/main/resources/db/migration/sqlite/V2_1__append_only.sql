-- The database itself keeps numbers without gaps, and lets nobody change what was entered.

UPDATE receipt SET
    served_to   = CAST(json_extract(CAST(signed AS TEXT), '$.receipt.servedTo') AS INTEGER),
    recorded_at = CAST(json_extract(CAST(signed AS TEXT), '$.receipt.servedTo') AS INTEGER);
INSERT INTO audit_end (one, entries, hash) VALUES (1, 0, zeroblob(32));

CREATE TRIGGER receipt_contiguous BEFORE INSERT ON receipt
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM receipt WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ABORT, 'receipts of a stream are numbered without gaps'); END;
CREATE TRIGGER receipt_kept BEFORE DELETE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipts are never deleted'); END;
CREATE TRIGGER receipt_unchanged
BEFORE UPDATE OF stream, seq, struct_hash, request_id, usage_id, signed, attribution, kind, ref, served_to, recorded_at
ON receipt
BEGIN SELECT RAISE(ABORT, 'receipts are never changed'); END;
CREATE TRIGGER receipt_sealed_once BEFORE UPDATE OF batch ON receipt WHEN OLD.batch IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a receipt stands in one batch'); END;

CREATE TRIGGER payment_kept BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are never deleted'); END;
CREATE TRIGGER payment_unchanged BEFORE UPDATE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are never changed'); END;

CREATE TRIGGER usage_kept BEFORE DELETE ON usage
BEGIN SELECT RAISE(ABORT, 'usage is never deleted'); END;
CREATE TRIGGER usage_unchanged BEFORE UPDATE OF source, request_id, body_hash, body, include_by, acknowledgement ON usage
BEGIN SELECT RAISE(ABORT, 'usage is never changed'); END;

CREATE TRIGGER batch_contiguous BEFORE INSERT ON batch
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM batch WHERE stream = NEW.stream)
    OR NEW.first_seq <> (SELECT coalesce(max(last_seq), 0) + 1 FROM batch WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ABORT, 'batches of a stream follow one another without gaps'); END;
CREATE TRIGGER batch_kept BEFORE DELETE ON batch
BEGIN SELECT RAISE(ABORT, 'batches are never deleted'); END;
CREATE TRIGGER batch_unchanged BEFORE UPDATE ON batch
BEGIN SELECT RAISE(ABORT, 'batches are never changed'); END;

CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit WHEN OLD.hash IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;

CREATE TRIGGER correction_kept BEFORE DELETE ON correction
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
CREATE TRIGGER correction_unchanged BEFORE UPDATE ON correction
BEGIN SELECT RAISE(ABORT, 'corrections are never changed'); END;
