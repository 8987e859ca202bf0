-- Revocation without a call to Firebase: a token is revoked when its session began before these instants.

-- migrate:up
ALTER TABLE auth.users
    ADD COLUMN tokens_valid_after timestamptz,
    ADD COLUMN legacy_tokens_valid_after timestamptz;

COMMENT ON COLUMN auth.users.tokens_valid_after IS
'Sessions of either kind that began before this instant are revoked (logout, password change, deactivation)';
COMMENT ON COLUMN auth.users.legacy_tokens_valid_after IS
'Legacy sessions that began before this instant are revoked (linking an address that was never verified)';

-- migrate:down transaction:false
-- keeps: auth.users.tokens_valid_after auth.users.legacy_tokens_valid_after
-- Hidden at once, archived beside the traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'tokens_valid_after') THEN
        ALTER TABLE auth.users RENAME COLUMN tokens_valid_after TO archived_tokens_valid_after;
        ALTER TABLE auth.users RENAME COLUMN legacy_tokens_valid_after TO archived_legacy_tokens_valid_after;
        COMMIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'archived_tokens_valid_after') THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(id)
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
            FROM auth.users
            WHERE archived_tokens_valid_after IS NOT NULL OR archived_legacy_tokens_valid_after IS NOT NULL
        ) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.users', id::text, jsonb_build_object(
            'tokens_valid_after', archived_tokens_valid_after, 'legacy_tokens_valid_after', archived_legacy_tokens_valid_after)
        FROM auth.users
        WHERE id = ANY(people)
        ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;
        COMMIT;
    END LOOP;
    -- All is archived, and only the lock is still to be had: a weak one first, for which autovacuum leaves, then the strong one,
    -- in whose queue nobody waits for longer than 300 ms.
    PERFORM set_config('lock_timeout', '10s', false);
    LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR attempt IN 1..200 LOOP
        BEGIN
            ALTER TABLE auth.users
                DROP COLUMN archived_tokens_valid_after,
                DROP COLUMN archived_legacy_tokens_valid_after;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
