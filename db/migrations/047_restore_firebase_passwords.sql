-- Puts back what the step down of Firebase's passwords has archived. In batches of 1,000 with a commit each; the next try of a migration that
-- was cut short goes on.

-- migrate:up transaction:false
DO $$
DECLARE
    restored integer;
BEGIN
    WITH taken AS (
        DELETE FROM auth.federation_archive WHERE relation = 'auth.firebase_hash_configs' RETURNING facts
    )
    INSERT INTO auth.firebase_hash_configs
        (id, project, version, algorithm, signer_key, salt_separator, rounds, memory_cost, first_seen_at)
    SELECT
        was.id, was.project, was.version, was.algorithm, was.signer_key, was.salt_separator, was.rounds, was.memory_cost, was.first_seen_at
    FROM taken
    CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_hash_configs, taken.facts) AS was
    ON CONFLICT DO NOTHING;
    COMMIT;
    LOOP
        WITH taken AS (
            DELETE FROM auth.federation_archive
            WHERE (relation, key) IN (
                SELECT relation, key FROM auth.federation_archive WHERE relation = 'auth.firebase_passwords' ORDER BY relation, key LIMIT 1000
            )
            RETURNING facts
        ), kept AS (
            INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at, taken_at)
            SELECT was.user_id, was.config_id, was.hash, was.salt, was.local_hash, was.password_set_at, was.taken_at
            FROM taken
            CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_passwords, taken.facts) AS was
            WHERE EXISTS (SELECT FROM auth.users WHERE users.id = was.user_id)
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) INTO restored FROM taken;
        COMMIT;
        EXIT WHEN restored = 0;
    END LOOP;
END
$$;

-- migrate:down
SELECT 1;
