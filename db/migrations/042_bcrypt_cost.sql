-- The cost of a bcrypt hash. A refused sign-in costs as much as the most costly hash in the table, so that its time tells nothing.
-- internal/password.CostOf is the same function for the program; a test holds the two together.

-- migrate:up
CREATE FUNCTION auth.bcrypt_cost(hash text) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN hash ~ '^\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$' THEN substr(hash, length(hash) - 55, 2)::smallint
    END;

COMMENT ON FUNCTION auth.bcrypt_cost(text) IS 'The cost of a bcrypt hash of any dialect; NULL for any other text';

GRANT EXECUTE ON FUNCTION auth.bcrypt_cost(text) TO auth_serving;

-- migrate:down
DROP FUNCTION auth.bcrypt_cost(text);
