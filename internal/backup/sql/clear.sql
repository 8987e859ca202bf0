-- Inside the transaction of a restore, before the dump: every table that it makes anew is locked or given up within moments (the dump
-- itself waits without a limit), and what must be empty is looked at again, now that nobody can write. Then the schema auth goes, also
-- what a later migration has added.
SET LOCAL search_path = pg_catalog;
SET LOCAL client_min_messages = warning;
SET LOCAL row_security = off;
SET LOCAL lock_timeout = '3s';
DO $clear$
DECLARE
    found record;
    occupied boolean;
BEGIN
    FOR found IN
        SELECT to_regclass(name) AS relation, must_be_empty
        FROM jsonb_to_recordset({{data}}) AS t (name text, must_be_empty boolean)
        WHERE to_regclass(name) IS NOT NULL
        ORDER BY name COLLATE "C"
    LOOP
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', found.relation);
        IF found.must_be_empty THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', found.relation) INTO occupied;
            IF occupied THEN
                RAISE EXCEPTION '% has rows now: restore with --replace', found.relation;
            END IF;
        END IF;
    END LOOP;
END
$clear$;
DROP SCHEMA IF EXISTS auth CASCADE;
