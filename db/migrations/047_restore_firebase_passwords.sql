-- Puts back what the step down of Firebase's passwords has archived. In batches of 1,000 with a commit each; the next try of a migration that
-- was cut short goes on. Parameters that were stored again meanwhile have another id, which the passwords take.

-- migrate:up transaction:false
DO $$
DECLARE
    restored integer;
BEGIN
    INSERT INTO auth.firebase_hash_configs
        (id, project, version, algorithm, signer_key, salt_separator, rounds, memory_cost, first_seen_at)
    SELECT
        was.id, was.project, was.version, was.algorithm, was.signer_key, was.salt_separator, was.rounds, was.memory_cost, was.first_seen_at
    FROM auth.federation_archive AS archived
    CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_hash_configs, archived.facts) AS was
    WHERE archived.relation = 'auth.firebase_hash_configs'
    ON CONFLICT DO NOTHING;
    COMMIT;
    LOOP
        WITH taken AS (
            DELETE FROM auth.federation_archive
            WHERE (relation, key) IN (
                SELECT relation, key FROM auth.federation_archive WHERE relation = 'auth.firebase_passwords' ORDER BY relation, key LIMIT 1000
            )
            RETURNING facts
        ), configs AS (
            SELECT was.id AS old_id, stored.id
            FROM auth.federation_archive AS archived
            CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_hash_configs, archived.facts) AS was
            INNER JOIN auth.firebase_hash_configs AS stored
                USING (project, version, signer_key, salt_separator, rounds, memory_cost)
            WHERE archived.relation = 'auth.firebase_hash_configs'
        ), kept AS (
            INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at, taken_at)
            SELECT was.user_id, coalesce(configs.id, was.config_id), was.hash, was.salt, was.local_hash, was.password_set_at, was.taken_at
            FROM taken
            CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_passwords, taken.facts) AS was
            LEFT JOIN configs ON configs.old_id = was.config_id
            WHERE EXISTS (SELECT FROM auth.users WHERE users.id = was.user_id)
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) INTO restored FROM taken;
        COMMIT;
        EXIT WHEN restored = 0;
    END LOOP;
    DELETE FROM auth.federation_archive WHERE relation = 'auth.firebase_hash_configs';
END
$$;

-- migrate:down
SELECT 1;
