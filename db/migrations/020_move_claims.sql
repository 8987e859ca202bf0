-- Who is moving which user to Firebase, and what stopped it. A row is claimed before Firebase is asked; a claim whose holder was
-- killed lapses, and whoever comes next looks at Firebase for what became of it.

-- migrate:up
CREATE TABLE auth.move_claims (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    claimed_by text NOT NULL,
    claimed_at timestamptz NOT NULL,
    failed_at timestamptz,
    failure text
);

COMMENT ON TABLE auth.move_claims IS 'Moves of users to Firebase that are under way (federation_status syncing) or were stopped by something';
COMMENT ON COLUMN auth.move_claims.failure IS 'Why the move did not succeed: a code and no personal data';

-- migrate:down transaction:false
-- keeps: auth.move_claims
-- A person whose row goes takes its claim along, so the table is not held: hidden at once, archived beside the traffic, then
-- dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    ALTER TABLE IF EXISTS auth.move_claims RENAME TO archived_move_claims;
    COMMIT;
    IF to_regclass('auth.archived_move_claims') IS NULL THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(user_id)
        FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) / 1000 AS batch FROM auth.archived_move_claims) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.move_claims', user_id::text, to_jsonb(gone)
        FROM auth.archived_move_claims AS gone
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
            DROP TABLE auth.archived_move_claims;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
