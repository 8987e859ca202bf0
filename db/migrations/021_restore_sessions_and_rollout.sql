-- Puts back what the steps down of 017 to 020 took out, as 016 does for those before it: in batches of 1,000 with a commit each,
-- and only its own facts. Whoever was deleted meanwhile stays deleted.

-- migrate:up transaction:false
DO $$
DECLARE
    batch CONSTANT int := 1000;
    last_key text := '';
    keys text[];
    moved int;
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    LOOP
        keys := ARRAY(
            SELECT key FROM auth.federation_archive
            WHERE relation = 'auth.users' AND key > last_key AND facts ? 'password_set_at'
            ORDER BY key
            LIMIT batch);
        EXIT WHEN cardinality(keys) = 0;
        UPDATE auth.users AS u
        SET password_set_at = (kept.facts ->> 'password_set_at')::timestamptz
        FROM auth.federation_archive AS kept
        WHERE kept.relation = 'auth.users' AND kept.key = ANY(keys) AND u.id = kept.key::uuid;
        UPDATE auth.federation_archive SET facts = facts - 'password_set_at' WHERE relation = 'auth.users' AND key = ANY(keys);
        DELETE FROM auth.federation_archive WHERE relation = 'auth.users' AND key = ANY(keys) AND facts = '{}';
        COMMIT;
        last_key := keys[cardinality(keys)];
    END LOOP;
    LOOP
        WITH taken AS (
            DELETE FROM auth.federation_archive
            WHERE (relation, key) IN (
                SELECT relation, key FROM auth.federation_archive
                WHERE relation IN ('auth.legacy_sessions', 'auth.move_claims')
                ORDER BY relation, key
                LIMIT batch
            )
            RETURNING relation, facts
        ), sessions AS (
            INSERT INTO auth.legacy_sessions
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.legacy_sessions, facts) AS was
            WHERE relation = 'auth.legacy_sessions' AND EXISTS (SELECT FROM auth.users WHERE id = was.user_id)
            ON CONFLICT DO NOTHING
        ), claims AS (
            INSERT INTO auth.move_claims
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.move_claims, facts) AS was
            WHERE relation = 'auth.move_claims' AND EXISTS (SELECT FROM auth.users WHERE id = was.user_id)
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) INTO moved FROM taken;
        COMMIT;
        EXIT WHEN moved = 0;
    END LOOP;
    UPDATE auth.rollout AS r
    SET users_buckets = was.users_buckets, traffic_buckets = was.traffic_buckets, new_users = was.new_users, allow = was.allow,
        deny = was.deny, below_full_traffic = was.below_full_traffic, revision = was.revision, updated_at = was.updated_at,
        updated_by = was.updated_by
    FROM auth.federation_archive AS kept
    CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.rollout, kept.facts) AS was
    WHERE kept.relation = 'auth.rollout' AND r.revision = 0;
    DELETE FROM auth.federation_archive WHERE relation = 'auth.rollout';
END
$$;

-- migrate:down
SELECT 1;
