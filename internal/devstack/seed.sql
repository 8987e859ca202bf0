-- One seeded person, as the platform would hold them. Running it again changes nothing, nor does it touch a row that holds
-- the same id, uid, e-mail or username.
INSERT INTO auth.users (id, email, username, user_type, auth_provider, firebase_uid, password_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
