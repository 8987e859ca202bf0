-- What makes the extensions that the schema auth uses: a dump of that schema alone does not bring them.
SELECT DISTINCT x.extname::text, n.nspname::text
FROM pg_catalog.pg_depend AS uses
JOIN pg_catalog.pg_depend AS member
    ON member.classid = uses.refclassid AND member.objid = uses.refobjid AND member.deptype = 'e'
    AND member.refclassid = 'pg_catalog.pg_extension'::regclass
JOIN pg_catalog.pg_extension AS x ON x.oid = member.refobjid
JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
WHERE CASE uses.classid
    WHEN 'pg_catalog.pg_attrdef'::regclass
        THEN (SELECT c.relnamespace FROM pg_catalog.pg_attrdef AS e JOIN pg_catalog.pg_class AS c ON c.oid = e.adrelid WHERE e.oid = uses.objid)
    WHEN 'pg_catalog.pg_class'::regclass
        THEN (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = uses.objid)
    WHEN 'pg_catalog.pg_proc'::regclass
        THEN (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid = uses.objid)
    WHEN 'pg_catalog.pg_constraint'::regclass
        THEN (SELECT connamespace FROM pg_catalog.pg_constraint WHERE oid = uses.objid)
    WHEN 'pg_catalog.pg_trigger'::regclass
        THEN (SELECT c.relnamespace FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid WHERE g.oid = uses.objid)
    WHEN 'pg_catalog.pg_rewrite'::regclass
        THEN (SELECT c.relnamespace FROM pg_catalog.pg_rewrite AS w JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class WHERE w.oid = uses.objid)
    END = to_regnamespace('auth')
ORDER BY 1, 2
