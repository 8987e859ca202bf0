-- Every table whose rows a dump holds, by its quoted name. $1: of the schema auth only. What belongs to an extension, pg_dump
-- leaves to it.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND (n.nspname = 'auth' OR NOT $1::bool AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
