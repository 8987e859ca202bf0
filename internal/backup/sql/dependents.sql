-- What stands outside the schema auth and needs something in it: replacing the schema takes it away (functions, types, views,
-- publications' tables) or loosens it (foreign keys, defaults, columns, policies). In words that no server translates.
SELECT DISTINCT said.type || ' ' || said.identity
FROM pg_catalog.pg_depend AS d
JOIN (
    SELECT 'pg_catalog.pg_class'::regclass AS catalogue, oid, relnamespace AS namespace FROM pg_catalog.pg_class
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid, typnamespace FROM pg_catalog.pg_type
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid, pronamespace FROM pg_catalog.pg_proc
    UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid, connamespace FROM pg_catalog.pg_constraint
    UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, oid, oprnamespace FROM pg_catalog.pg_operator
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, oid, oid FROM pg_catalog.pg_namespace
) AS used ON used.catalogue = d.refclassid AND used.oid = d.refobjid AND used.namespace = to_regnamespace('auth')
JOIN (
    SELECT 'pg_catalog.pg_class'::regclass AS catalogue, oid, relnamespace AS namespace, NULL::oid AS view FROM pg_catalog.pg_class
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid, typnamespace, NULL FROM pg_catalog.pg_type
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid, pronamespace, NULL FROM pg_catalog.pg_proc
    UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid, connamespace, NULL FROM pg_catalog.pg_constraint
    UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, oid, oprnamespace, NULL FROM pg_catalog.pg_operator
    UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::regclass, oid, stxnamespace, NULL FROM pg_catalog.pg_statistic_ext
    UNION ALL SELECT 'pg_catalog.pg_rewrite'::regclass, e.oid, c.relnamespace, CASE WHEN e.rulename = '_RETURN' THEN c.oid END
        FROM pg_catalog.pg_rewrite AS e JOIN pg_catalog.pg_class AS c ON c.oid = e.ev_class
    UNION ALL SELECT 'pg_catalog.pg_attrdef'::regclass, e.oid, c.relnamespace, NULL
        FROM pg_catalog.pg_attrdef AS e JOIN pg_catalog.pg_class AS c ON c.oid = e.adrelid
    UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, e.oid, c.relnamespace, NULL
        FROM pg_catalog.pg_trigger AS e JOIN pg_catalog.pg_class AS c ON c.oid = e.tgrelid WHERE NOT e.tgisinternal
    UNION ALL SELECT 'pg_catalog.pg_policy'::regclass, e.oid, c.relnamespace, NULL
        FROM pg_catalog.pg_policy AS e JOIN pg_catalog.pg_class AS c ON c.oid = e.polrelid
    -- Of no schema. PostgreSQL has a publication's schemas since version 15: its catalogue is not named as a table here.
    UNION ALL SELECT e.classid, e.objid, 0, NULL FROM pg_catalog.pg_depend AS e
        WHERE e.classid IN ('pg_catalog.pg_publication_rel'::regclass, to_regclass('pg_catalog.pg_publication_namespace'),
            'pg_catalog.pg_cast'::regclass, 'pg_catalog.pg_event_trigger'::regclass)
) AS outside ON outside.catalogue = d.classid AND outside.oid = d.objid AND outside.namespace <> to_regnamespace('auth')
CROSS JOIN LATERAL pg_identify_object(
    CASE WHEN outside.view IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::regclass END,
    coalesce(outside.view, d.objid),
    CASE WHEN outside.view IS NULL THEN d.objsubid ELSE 0 END
) AS said
WHERE (d.deptype <> 'i' OR d.classid = 'pg_catalog.pg_rewrite'::regclass) AND said.schema IS DISTINCT FROM 'pg_toast'
ORDER BY 1
