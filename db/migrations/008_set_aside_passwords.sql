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
DROP TABLE auth.set_aside_passwords;
