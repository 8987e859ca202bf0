-- Relations outside the schema auth that refer to something in it: replacing the schema would take their foreign keys, views,
-- defaults and columns' types away.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_depend AS d
JOIN (
    SELECT 'pg_catalog.pg_class'::regclass AS catalogue, oid, relnamespace AS namespace FROM pg_catalog.pg_class
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid, typnamespace FROM pg_catalog.pg_type
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid, pronamespace FROM pg_catalog.pg_proc
) AS used ON used.catalogue = d.refclassid AND used.oid = d.refobjid AND used.namespace = to_regnamespace('auth')
JOIN (
    SELECT 'pg_catalog.pg_class'::regclass AS catalogue, oid, oid AS relation FROM pg_catalog.pg_class
    UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid, conrelid FROM pg_catalog.pg_constraint
    UNION ALL SELECT 'pg_catalog.pg_rewrite'::regclass, oid, ev_class FROM pg_catalog.pg_rewrite
    UNION ALL SELECT 'pg_catalog.pg_attrdef'::regclass, oid, adrelid FROM pg_catalog.pg_attrdef
    UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, oid, tgrelid FROM pg_catalog.pg_trigger
    UNION ALL SELECT 'pg_catalog.pg_policy'::regclass, oid, polrelid FROM pg_catalog.pg_policy
) AS user_of ON user_of.catalogue = d.classid AND user_of.oid = d.objid
JOIN pg_catalog.pg_class AS c ON c.oid = user_of.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname <> 'auth' AND n.nspname <> 'pg_toast'
ORDER BY 1
