-- Bounds the legacy sessions of a person: a function ends the ones used longest ago, and carried_at says which sessions have gone on at
-- Firebase, so that all other ended ones can be forgotten. Where nobody has noted it, a session of a person at Firebase counts as gone on.
-- In batches of 1,000 with a commit each; cut short, the next try goes on.

-- migrate:up transaction:false
DO $$
DECLARE
    batch CONSTANT int := 1000;
    noted CONSTANT text := 'auth.legacy_sessions.carried_at';
    last_session uuid := '00000000-0000-0000-0000-000000000000';
    sessions uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    ALTER TABLE auth.legacy_sessions ADD COLUMN IF NOT EXISTS carried_at timestamptz;
    COMMENT ON COLUMN auth.legacy_sessions.carried_at IS
    'When the session first went on at Firebase, where sessions have no end of their own; NULL: it never has';
    CREATE OR REPLACE FUNCTION auth.end_oldest_sessions(person uuid, most integer, newest uuid) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
    DECLARE
        since timestamptz;
        ended uuid[];
    BEGIN
        -- One session of a person begins at a time: what the lock waits for is seen by the next statement.
        SELECT greatest(u.tokens_valid_after, u.legacy_tokens_valid_after) INTO since
        FROM auth.users AS u WHERE u.id = person FOR NO KEY UPDATE;
        WITH surplus AS (
            SELECT s.id FROM auth.legacy_sessions AS s
            WHERE
                s.user_id = person AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
                AND coalesce(s.began_at >= since, true)
            ORDER BY s.id = newest DESC, s.rotated_at DESC, s.id
            OFFSET most
        ),
        over AS (
            UPDATE auth.legacy_sessions AS s SET ended_at = clock_timestamp()
            WHERE s.id IN (SELECT surplus.id FROM surplus)
            RETURNING s.id
        )
        SELECT coalesce(array_agg(over.id), '{}') INTO ended FROM over;
        RETURN ended;
    END
    $function$;
    COMMENT ON FUNCTION auth.end_oldest_sessions IS
    'Ends the live sessions of a person beyond a number, those used longest ago first and never the newest, and gives their ids';
    COMMIT;
    IF EXISTS (SELECT FROM auth.federation_archive WHERE relation = noted) THEN
        UPDATE auth.legacy_sessions AS s SET carried_at = (kept.facts ->> 'carried_at')::timestamptz
        FROM auth.federation_archive AS kept
        WHERE kept.relation = noted AND kept.key = s.id::text;
        DELETE FROM auth.federation_archive WHERE relation = noted;
        RETURN;
    END IF;
    LOOP
        sessions := ARRAY(
            SELECT s.id
            FROM auth.legacy_sessions AS s
            INNER JOIN auth.users AS u ON u.id = s.user_id
            WHERE s.id > last_session AND s.carried_at IS NULL AND u.auth_provider IN ('hybrid', 'firebase')
            ORDER BY s.id
            LIMIT batch);
        EXIT WHEN cardinality(sessions) = 0;
        UPDATE auth.legacy_sessions SET carried_at = began_at WHERE id = ANY(sessions);
        COMMIT;
        last_session := sessions[cardinality(sessions)];
    END LOOP;
END
$$;

-- migrate:down transaction:false
-- keeps: auth.legacy_sessions.carried_at
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    DROP FUNCTION IF EXISTS auth.end_oldest_sessions(uuid, integer, uuid);
    IF NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'auth.legacy_sessions'::regclass AND attname = 'carried_at' AND NOT attisdropped
    ) THEN
        RETURN;
    END IF;
    INSERT INTO auth.federation_archive (relation, key, facts)
    SELECT 'auth.legacy_sessions.carried_at', id::text, jsonb_build_object('carried_at', carried_at)
    FROM auth.legacy_sessions
    WHERE carried_at IS NOT NULL
    UNION ALL
    SELECT 'auth.legacy_sessions.carried_at', '', '{}' -- the rest never has
    WHERE EXISTS (SELECT FROM auth.legacy_sessions)
    ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;
    ALTER TABLE auth.legacy_sessions DROP COLUMN carried_at;
END
$$;
