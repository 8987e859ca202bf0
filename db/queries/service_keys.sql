-- Keys that the instances share: the statements of internal/app.

-- name: ServiceKey :one
-- Called by internal/app at its start. Served by service_keys_pkey.
SELECT key
FROM auth.service_keys
WHERE name = $1;

-- name: MakeServiceKey :exec
-- Called by internal/app where ServiceKey finds no row. Of several instances that start at once, the first one's key stays.
-- Served by service_keys_pkey (the conflict).
INSERT INTO auth.service_keys (name, key)
VALUES (sqlc.arg(name), sqlc.arg(key))
ON CONFLICT (name) DO NOTHING;
