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

-- migrate:down
LOCK TABLE auth.set_aside_passwords IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.set_aside_passwords', user_id::text, to_jsonb(gone)
FROM auth.set_aside_passwords AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.set_aside_passwords;
