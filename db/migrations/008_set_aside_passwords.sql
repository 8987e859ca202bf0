-- Passwords that stopped counting when their row was linked to an address the platform had never verified.
-- Kept so that the owner's mistake or an operator's can be undone; no sign-in ever reads them.

-- migrate:up
CREATE TABLE auth.set_aside_passwords (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    password_hash varchar(255) NOT NULL,
    reason text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE auth.set_aside_passwords IS 'Password hashes taken out of use by linking; never read by a sign-in';

-- migrate:down transaction:false
-- keeps: auth.set_aside_passwords
-- A person whose row goes takes its row here along, so this table is not held either: hidden at once, archived beside the
-- traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    ALTER TABLE IF EXISTS auth.set_aside_passwords RENAME TO archived_set_aside_passwords;
    COMMIT;
    IF to_regclass('auth.archived_set_aside_passwords') IS NULL THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(user_id)
        FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) / 1000 AS batch FROM auth.archived_set_aside_passwords) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.set_aside_passwords', user_id::text, to_jsonb(gone)
        FROM auth.archived_set_aside_passwords AS gone
        WHERE user_id = ANY(people)
        ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;
        COMMIT;
    END LOOP;
    -- All is archived, and only the lock is still to be had: a weak one first, for which autovacuum leaves, then the strong one,
    -- in whose queue nobody waits for longer than 300 ms.
    PERFORM set_config('lock_timeout', '10s', false);
    LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR attempt IN 1..200 LOOP
        BEGIN
            DROP TABLE auth.archived_set_aside_passwords;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
