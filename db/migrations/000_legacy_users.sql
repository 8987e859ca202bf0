-- The legacy auth-service's table: where every platform starts from. On a live platform it exists and is taken as it is;
-- in a new database it is made here, so that all that follows has one base.
-- The look-ups by e-mail and username are served by the unique constraints; no second index stands beside them.

-- migrate:up
CREATE SCHEMA IF NOT EXISTS auth;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;

CREATE TABLE IF NOT EXISTS auth.users (
    id UUID PRIMARY KEY DEFAULT public.uuid_generate_v4(),
    username VARCHAR(100) UNIQUE,
    email VARCHAR(255) NOT NULL UNIQUE,
    password_hash VARCHAR(255) NOT NULL,
    user_type VARCHAR(20) DEFAULT 'user',
    is_active BOOLEAN DEFAULT true,
    token_balance INTEGER DEFAULT 0,
    last_login TIMESTAMP,
    created_at TIMESTAMP DEFAULT NOW(),
    updated_at TIMESTAMP DEFAULT NOW()
);

-- migrate:down
DO $$
DECLARE
    people bigint;
    kept bigint := 0;
BEGIN
    SELECT count(*) INTO people FROM auth.users;
    IF people > 0 THEN
        RAISE EXCEPTION 'auth.users holds % people: dropping it would lose them', people
            USING HINT = 'Back the table up and empty it on purpose, or stop at version 001.';
    END IF;
    IF to_regclass('auth.federation_archive') IS NOT NULL THEN
        EXECUTE 'SELECT count(*) FROM auth.federation_archive' INTO kept;
    END IF;
    IF kept > 0 THEN
        RAISE EXCEPTION 'auth.federation_archive keeps % rows that earlier steps down took out: dropping it would lose them', kept
            USING HINT = 'Back the table up and empty it on purpose, or stop at version 001.';
    END IF;
END
$$;
DROP TABLE IF EXISTS auth.federation_archive;
DROP TABLE auth.users;
