-- Inside the transaction of a restore, before the dump: what a dump of the schema auth alone needs and does not bring.
SET LOCAL search_path = pg_catalog;
SET LOCAL client_min_messages = warning;
DO $extend$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM jsonb_to_recordset({{data}}) AS t (name text, schema text) LOOP
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', wanted.name, wanted.schema);
    END LOOP;
END
$extend$;
