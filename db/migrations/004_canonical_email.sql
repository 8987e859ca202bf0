-- One function makes an e-mail canonical (trimmed, ASCII lower case). Rows that would share one stop it here, before anything is
-- built on it; the unique index that keeps it so comes later.
-- internal/user.CanonicalEmail is the same function for the program; a test holds the two together.

-- migrate:up
CREATE FUNCTION auth.canonical_email(email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN lower(btrim(email, E' \t\n\r\f\x0b') COLLATE "C");

COMMENT ON FUNCTION auth.canonical_email(text) IS
'The form of an e-mail by which people are looked up: ASCII white space trimmed, ASCII letters in lower case';

DO $$
DECLARE
    colliding text;
BEGIN
    -- Twenty groups and ten rows of each say enough for a log; "authd schema adopt --dry-run" lists more, with the e-mails.
    SELECT string_agg(ids, '; ' ORDER BY nth) || CASE WHEN max(groups) > 20 THEN format('; and %s more groups', max(groups) - 20) ELSE '' END
    INTO colliding
    FROM (
        SELECT
            array_to_string((array_agg(id ORDER BY created_at, id))[1:10], ', ')
            || CASE WHEN count(*) > 10 THEN format(' and %s more', count(*) - 10) ELSE '' END AS ids,
            row_number() OVER (ORDER BY auth.canonical_email(email) COLLATE "C") AS nth,
            count(*) OVER () AS groups
        FROM auth.users
        GROUP BY auth.canonical_email(email)
        HAVING count(*) > 1
    ) AS collisions
    WHERE nth <= 20;
    IF colliding IS NOT NULL THEN
        RAISE EXCEPTION 'rows of auth.users share an e-mail once trimmed and in lower case: %', colliding
            USING HINT = 'Change the e-mail of all but one row of each group, then migrate again; nothing was changed.';
    END IF;
END
$$;

-- migrate:down
DROP FUNCTION auth.canonical_email(text);
