-- One row a sign-in that was answered with the legacy pair. Its refresh tokens are not stored: they are minted again from what
-- stands here and a secret that does not.

-- migrate:up
CREATE TABLE auth.legacy_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    began_at timestamptz NOT NULL,
    seed bytea NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    user_agent text
);

CREATE INDEX idx_legacy_sessions_user_id ON auth.legacy_sessions (user_id);

COMMENT ON TABLE auth.legacy_sessions IS 'Sign-ins that hold the legacy pair of tokens: a family of refresh tokens each';
COMMENT ON COLUMN auth.legacy_sessions.began_at IS 'When the person signed in: auth_time of all its tokens';
COMMENT ON COLUMN auth.legacy_sessions.seed IS 'Makes the ids of the refresh tokens unguessable to who knows the secret alone';
COMMENT ON COLUMN auth.legacy_sessions.generation IS 'How often the refresh token was exchanged';
COMMENT ON COLUMN auth.legacy_sessions.rotated_at IS 'When the refresh token of this generation was issued';

-- migrate:down transaction:false
-- keeps: auth.legacy_sessions
-- A person whose row goes takes its sessions along, so the table is not held: hidden at once, archived beside the traffic, then
-- dropped; cut short, the next try goes on.
DO $$
DECLARE
    sessions uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    ALTER TABLE IF EXISTS auth.legacy_sessions RENAME TO archived_legacy_sessions;
    COMMIT;
    IF to_regclass('auth.archived_legacy_sessions') IS NULL THEN
        RETURN;
    END IF;
    FOR sessions IN
        SELECT array_agg(id)
        FROM (SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch FROM auth.archived_legacy_sessions) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.legacy_sessions', id::text, to_jsonb(gone)
        FROM auth.archived_legacy_sessions AS gone
        WHERE id = ANY(sessions)
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
            DROP TABLE auth.archived_legacy_sessions;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
