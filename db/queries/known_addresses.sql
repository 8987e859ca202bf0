-- Client addresses that are known to an e-mail, for the limits: the statements of internal/app's store.

-- name: RememberAddress :exec
-- Called by internal/app behind a sign-in, once a day an address. Served by known_addresses_pkey (the conflict).
INSERT INTO auth.known_addresses AS known (name, known_until)
VALUES (sqlc.arg(name)::text, clock_timestamp() + sqlc.arg(seconds)::float8 * interval '1 second')
ON CONFLICT (name) DO UPDATE SET known_until = excluded.known_until
WHERE known.known_until < excluded.known_until;

-- name: KnowsAddress :one
-- Called by internal/app where a limit is about to refuse a sign-in. Served by known_addresses_pkey.
SELECT EXISTS (
    SELECT FROM auth.known_addresses WHERE name = sqlc.arg(name)::text AND known_until > clock_timestamp()
) AS known;

-- name: ForgetAddresses :exec
-- Called by internal/app once an hour: what has lapsed goes. Served by no index: it reads the table, which holds a row an address.
DELETE FROM auth.known_addresses
WHERE known_until < clock_timestamp();
