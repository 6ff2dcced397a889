-- The database itself keeps numbers without gaps, and lets nobody change what was entered.

INSERT INTO audit_end (one, entries, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE FUNCTION receipt_follows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM receipt WHERE stream = NEW.stream) THEN
        RAISE EXCEPTION 'receipts of a stream are numbered without gaps';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_contiguous BEFORE INSERT ON receipt
FOR EACH ROW EXECUTE FUNCTION receipt_follows();
CREATE TRIGGER receipt_kept BEFORE DELETE ON receipt
FOR EACH ROW EXECUTE FUNCTION refuse('receipts are never deleted');
CREATE TRIGGER receipt_unchanged
BEFORE UPDATE OF stream, seq, struct_hash, request_id, usage_id, signed, attribution, kind, ref, served_to, recorded_at
ON receipt FOR EACH ROW EXECUTE FUNCTION refuse('receipts are never changed');
CREATE TRIGGER receipt_sealed_once BEFORE UPDATE OF batch ON receipt
FOR EACH ROW WHEN (OLD.batch IS NOT NULL) EXECUTE FUNCTION refuse('a receipt stands in one batch');

CREATE TRIGGER payment_kept BEFORE DELETE ON payment
FOR EACH ROW EXECUTE FUNCTION refuse('payments are never deleted');
CREATE TRIGGER payment_unchanged BEFORE UPDATE ON payment
FOR EACH ROW EXECUTE FUNCTION refuse('payments are never changed');

CREATE TRIGGER usage_kept BEFORE DELETE ON usage
FOR EACH ROW EXECUTE FUNCTION refuse('usage is never deleted');
CREATE TRIGGER usage_unchanged BEFORE UPDATE OF source, request_id, body_hash, body, include_by, acknowledgement ON usage
FOR EACH ROW EXECUTE FUNCTION refuse('usage is never changed');

CREATE FUNCTION batch_follows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM batch WHERE stream = NEW.stream)
        OR NEW.first_seq <> (SELECT coalesce(max(last_seq), 0) + 1 FROM batch WHERE stream = NEW.stream) THEN
        RAISE EXCEPTION 'batches of a stream follow one another without gaps';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER batch_contiguous BEFORE INSERT ON batch
FOR EACH ROW EXECUTE FUNCTION batch_follows();
CREATE TRIGGER batch_kept BEFORE DELETE ON batch
FOR EACH ROW EXECUTE FUNCTION refuse('batches are never deleted');
CREATE TRIGGER batch_unchanged BEFORE UPDATE ON batch
FOR EACH ROW EXECUTE FUNCTION refuse('batches are never changed');

CREATE TRIGGER audit_kept BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse('audit entries are never deleted');
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION refuse('audit entries are never changed');

CREATE TRIGGER correction_kept BEFORE DELETE ON correction
FOR EACH ROW EXECUTE FUNCTION refuse('corrections are never deleted');
CREATE TRIGGER correction_unchanged BEFORE UPDATE ON correction
FOR EACH ROW EXECUTE FUNCTION refuse('corrections are never changed');
