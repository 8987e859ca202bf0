-- The client addresses from which a person has signed in with success, as the limits name them: an HMAC of e-mail and network. A stranger's
-- failures do not slow the person there, and that must survive a Redis that has lost its keys. Without the key a row names no person
-- and no address. Rows are written now and then, behind the sign-in, and read only where a limit is about to refuse.

-- migrate:up
CREATE TABLE auth.known_addresses (
    name text PRIMARY KEY,
    known_until timestamptz NOT NULL
);

COMMENT ON TABLE auth.known_addresses IS 'Client addresses from which a person has signed in, for the limits of sign-ins';
COMMENT ON COLUMN auth.known_addresses.name IS 'HMAC of e-mail and network, by the key of the limits';
COMMENT ON COLUMN auth.audit_events.actor IS
'user:<id>, token:<firebase uid> before there is a row, key:<id> of an API key, cli:<name>, anonymous, or system';

INSERT INTO auth.known_addresses (name, known_until)
SELECT was.name, was.known_until
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.known_addresses, kept.facts) AS was
WHERE kept.relation = 'auth.known_addresses';

DELETE FROM auth.federation_archive WHERE relation = 'auth.known_addresses';

GRANT SELECT, INSERT, UPDATE, DELETE ON auth.known_addresses TO auth_serving;

-- migrate:down
LOCK TABLE auth.known_addresses IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.known_addresses', name, to_jsonb(gone)
FROM auth.known_addresses AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.known_addresses;

COMMENT ON COLUMN auth.audit_events.actor IS
'user:<id>, token:<firebase uid> before there is a row, key:<id> of an API key, cli:<name>, or system';
