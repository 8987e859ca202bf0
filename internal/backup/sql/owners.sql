-- Owners of what a dump holds whom this role may not act for. $1: of the schema auth only. Where there are any, a restored copy
-- belongs to this role, and grants cannot be compared.
SELECT DISTINCT pg_get_userbyid(owner)::text
FROM (
    SELECT nspowner AS owner, oid AS namespace FROM pg_catalog.pg_namespace
    UNION SELECT relowner, relnamespace FROM pg_catalog.pg_class
    UNION SELECT proowner, pronamespace FROM pg_catalog.pg_proc
    UNION SELECT typowner, typnamespace FROM pg_catalog.pg_type
) AS owned
JOIN pg_catalog.pg_namespace AS n ON n.oid = owned.namespace
WHERE (n.nspname = 'auth' OR NOT $1::bool AND n.nspname NOT IN ('information_schema', 'public') AND n.nspname !~ '^pg_')
    AND NOT pg_has_role(owner, 'MEMBER')
ORDER BY 1
