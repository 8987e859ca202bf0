-- Roles that own what a dump holds and what may hold code of theirs (checks, indexes, defaults, triggers' functions, domains), each with
-- one object of it and how many there are. $1: of the schema auth only. What belongs to an extension is made anew from the server's files.
SELECT pg_get_userbyid(o.owner)::text, min(pg_describe_object(o.catalogue, o.oid, 0)), count(*)
FROM (
    SELECT relowner AS owner, relnamespace AS namespace, 'pg_catalog.pg_class'::regclass AS catalogue, oid
    FROM pg_catalog.pg_class WHERE relkind NOT IN ('i', 'I', 't', 'c')
    UNION ALL SELECT proowner, pronamespace, 'pg_catalog.pg_proc'::regclass, oid FROM pg_catalog.pg_proc
    UNION ALL SELECT typowner, typnamespace, 'pg_catalog.pg_type'::regclass, oid FROM pg_catalog.pg_type WHERE typrelid = 0 AND typelem = 0
) AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace
WHERE (n.nspname = 'auth' OR NOT $1::bool AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = o.catalogue AND d.objid = o.oid AND d.deptype = 'e')
GROUP BY o.owner
ORDER BY 1
