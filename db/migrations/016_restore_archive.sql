-- Puts back what steps down took out, in batches of 1,000 with a commit each. A row that somebody holds stops a batch for 300 ms at
-- most, and the runner tries again; cut short, the next try goes on. Whoever was deleted meanwhile stays deleted, and a password
-- that was set meanwhile stays. Facts of columns that later migrations make are left for those to put back.

-- migrate:up transaction:false
DO $$
DECLARE
    batch CONSTANT int := 1000;
    ours CONSTANT text[] := ARRAY[
        'firebase_uid', 'auth_provider', 'provider_data', 'last_firebase_sync', 'federation_status', 'tokens_valid_after',
        'legacy_tokens_valid_after', 'password_hash'];
    last_key text := '';
    keys text[];
    moved int;
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    LOOP
        keys := ARRAY(
            SELECT key FROM auth.federation_archive
            WHERE relation = 'auth.users' AND key > last_key AND facts ?| ours
            ORDER BY key
            LIMIT batch);
        EXIT WHEN cardinality(keys) = 0;
        UPDATE auth.users AS u
        SET firebase_uid = was.firebase_uid, auth_provider = was.auth_provider, provider_data = was.provider_data,
            last_firebase_sync = was.last_firebase_sync, federation_status = was.federation_status,
            tokens_valid_after = was.tokens_valid_after, legacy_tokens_valid_after = was.legacy_tokens_valid_after,
            password_hash = CASE WHEN kept.facts ? 'password_hash' AND u.password_hash = '!' THEN NULL ELSE u.password_hash END
        FROM auth.federation_archive AS kept
        JOIN auth.users AS now ON now.id = kept.key::uuid
        CROSS JOIN LATERAL jsonb_populate_record(now, kept.facts) AS was
        WHERE kept.relation = 'auth.users' AND kept.key = ANY(keys) AND u.id = now.id;
        UPDATE auth.federation_archive SET facts = facts - ours WHERE relation = 'auth.users' AND key = ANY(keys);
        DELETE FROM auth.federation_archive WHERE relation = 'auth.users' AND key = ANY(keys) AND facts = '{}';
        COMMIT;
        last_key := keys[cardinality(keys)];
    END LOOP;
    LOOP
        WITH taken AS (
            DELETE FROM auth.federation_archive
            WHERE (relation, key) IN (
                SELECT relation, key FROM auth.federation_archive
                WHERE relation IN ('auth.tombstones', 'auth.audit_events', 'auth.set_aside_passwords', 'auth.verification_keys')
                ORDER BY relation, key
                LIMIT batch
            )
            RETURNING relation, facts
        ), tombstones AS (
            INSERT INTO auth.tombstones
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.tombstones, facts) AS was
            WHERE relation = 'auth.tombstones'
            ON CONFLICT DO NOTHING
        ), audit_events AS (
            INSERT INTO auth.audit_events OVERRIDING SYSTEM VALUE
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.audit_events, facts) AS was
            WHERE relation = 'auth.audit_events'
            ON CONFLICT DO NOTHING
        ), set_aside_passwords AS (
            INSERT INTO auth.set_aside_passwords
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.set_aside_passwords, facts) AS was
            WHERE relation = 'auth.set_aside_passwords' AND EXISTS (SELECT FROM auth.users WHERE id = was.user_id)
            ON CONFLICT DO NOTHING
        ), verification_keys AS (
            INSERT INTO auth.verification_keys
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.verification_keys, facts) AS was
            WHERE relation = 'auth.verification_keys'
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) INTO moved FROM taken;
        COMMIT;
        EXIT WHEN moved = 0;
    END LOOP;
    -- New events go on after the old ones.
    PERFORM setval(
        pg_get_serial_sequence('auth.audit_events', 'id'), coalesce((SELECT max(id) FROM auth.audit_events), 1),
        EXISTS (SELECT FROM auth.audit_events));
END
$$;

-- migrate:down
SELECT 1;
