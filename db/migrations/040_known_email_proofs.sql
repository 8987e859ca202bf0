-- Writes down the proofs that are known already, so that the next sign-in of these people ends no session of theirs: what a step down
-- archived, then each row of an account at Firebase whose provider_data says that a provider trusted by default has verified the
-- address. All other rows stay unproven. In batches of 1,000 with a commit each; a row that somebody holds stops a batch for 300 ms at
-- most, and the runner tries again; cut short, the next try goes on.

-- migrate:up transaction:false
DO $$
DECLARE
    batch CONSTANT int := 1000;
    ours CONSTANT text[] := ARRAY['email_proven_at', 'email_proven_by'];
    last_key text := '';
    keys text[];
    last_person uuid := '00000000-0000-0000-0000-000000000000';
    people uuid[];
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
        SET email_proven_at = (kept.facts ->> 'email_proven_at')::timestamptz, email_proven_by = kept.facts ->> 'email_proven_by'
        FROM auth.federation_archive AS kept
        WHERE kept.relation = 'auth.users' AND kept.key = ANY(keys) AND u.id = kept.key::uuid;
        UPDATE auth.federation_archive SET facts = facts - ours WHERE relation = 'auth.users' AND key = ANY(keys);
        DELETE FROM auth.federation_archive WHERE relation = 'auth.users' AND key = ANY(keys) AND facts = '{}';
        COMMIT;
        last_key := keys[cardinality(keys)];
    END LOOP;
    LOOP
        people := ARRAY(
            SELECT id FROM auth.users
            WHERE
                id > last_person AND email_proven_at IS NULL AND firebase_uid IS NOT NULL
                AND provider_data @> '{"email_verified": true}'
                AND coalesce(provider_data ->> 'provider', 'password') IN ('password', 'google.com', 'apple.com')
            ORDER BY id
            LIMIT batch);
        EXIT WHEN cardinality(people) = 0;
        UPDATE auth.users SET email_proven_at = now() WHERE id = ANY(people) AND email_proven_at IS NULL;
        COMMIT;
        last_person := people[cardinality(people)];
    END LOOP;
END
$$;

-- migrate:down
SELECT 1;
