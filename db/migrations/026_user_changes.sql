-- Tells every instance of the service at once whose row has changed, whoever has changed it: what is told is the row's id on the
-- channel auth_users_changed, when the change commits. Told are changes that decide who gets in, and with what rights. All else
-- (names, the balance, last_login) keeps nobody out and is seen within 10 s: a transaction that tells holds a lock of the whole
-- cluster while it commits, and a column that a trigger names cannot change its type.
-- A transaction that has told of 1,000 rows tells of everybody, once, and then no more: so a statement over a million rows fills
-- no queue. The count is the transaction's own, and goes back with a savepoint as what was told does.

-- migrate:up
CREATE FUNCTION auth.notify_user_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    told CONSTANT integer := coalesce(nullif(current_setting('authd.changes_told', true), ''), '0')::integer;
    message text;
BEGIN
    IF told > 1000 THEN
        RETURN NULL;
    ELSIF told = 1000 OR TG_OP = 'TRUNCATE' THEN
        message := 'everybody';
    ELSIF TG_TABLE_NAME = 'users' THEN
        message := OLD.id;
    ELSE
        message := OLD.user_id;
    END IF;
    PERFORM set_config('authd.changes_told', (told + 1)::text, true);
    PERFORM pg_notify('auth_users_changed', message);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION auth.notify_user_changed() IS 'Tells the instances of authd whose row has changed, so that they forget what they know';

CREATE TRIGGER tell_of_change
    AFTER UPDATE ON auth.users
    FOR EACH ROW
    WHEN (
        OLD.is_active IS DISTINCT FROM NEW.is_active
        OR OLD.federation_status IS DISTINCT FROM NEW.federation_status
        OR OLD.tokens_valid_after IS DISTINCT FROM NEW.tokens_valid_after
        OR OLD.legacy_tokens_valid_after IS DISTINCT FROM NEW.legacy_tokens_valid_after
        OR OLD.user_type IS DISTINCT FROM NEW.user_type
        OR OLD.firebase_uid IS DISTINCT FROM NEW.firebase_uid
        OR OLD.id IS DISTINCT FROM NEW.id
    )
    EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_deletion
    AFTER DELETE ON auth.users
    FOR EACH ROW
    EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_truncation
    AFTER TRUNCATE ON auth.users
    FOR EACH STATEMENT
    EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_end
    AFTER UPDATE ON auth.legacy_sessions
    FOR EACH ROW
    WHEN (OLD.ended_at IS DISTINCT FROM NEW.ended_at)
    EXECUTE FUNCTION auth.notify_user_changed();

-- migrate:down
DROP TRIGGER tell_of_end ON auth.legacy_sessions;
DROP TRIGGER tell_of_truncation ON auth.users;
DROP TRIGGER tell_of_deletion ON auth.users;
DROP TRIGGER tell_of_change ON auth.users;
DROP FUNCTION auth.notify_user_changed();
