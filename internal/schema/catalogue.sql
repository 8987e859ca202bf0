-- Every object of the schema auth, one a row: kind, name, definition. dbmate's own table is left out. It runs with an empty
-- search_path, so that every name in a definition is qualified. Not-null constraints, which PostgreSQL 18 began to list among
-- the constraints, are told as facts of their columns in every version. PostgreSQL words "varchar IN (...)" in one way when it is
-- written so and in another when a dump is restored; both are told in one form, else every restored database would differ.
WITH relations AS (
    SELECT c.oid, c.relkind, c.relname, c.relowner, c.relacl, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relpartbound,
        format('%I.%I', 'auth', c.relname) AS name
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = to_regnamespace('auth') AND c.relname <> 'schema_migrations' AND c.relname <> 'schema_migrations_pkey'
), tables AS (
    SELECT * FROM relations WHERE relkind IN ('r', 'p', 'f')
), columns AS (
    SELECT t.name AS relation, format('%s.%I', t.name, a.attname) AS name, a.*, e.adbin
    FROM (SELECT * FROM tables UNION ALL SELECT * FROM relations WHERE relkind = 'c') AS t
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
), functions AS (
    SELECT p.*, format('%I.%I(%s)', 'auth', p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = to_regnamespace('auth')
), types AS (
    SELECT t.*, format('%I.%I', 'auth', t.typname) AS name
    FROM pg_catalog.pg_type AS t
    WHERE t.typnamespace = to_regnamespace('auth') AND t.typtype IN ('e', 'd', 'r')
), constraints AS (
    SELECT k.*, format('%s.%I', coalesce(t.name, d.name), k.conname) AS name
    FROM pg_catalog.pg_constraint AS k
    LEFT JOIN tables AS t ON t.oid = k.conrelid
    LEFT JOIN types AS d ON d.oid = k.contypid
    WHERE k.contype NOT IN ('n', 't') AND coalesce(t.name, d.name) IS NOT NULL
), indexes AS (
    SELECT i.*, r.name
    FROM pg_catalog.pg_index AS i
    JOIN relations AS r ON r.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
), granted AS (
    SELECT 'schema' AS kind, 'auth' AS name, n.nspowner AS owner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
    FROM pg_catalog.pg_namespace AS n WHERE n.oid = to_regnamespace('auth')
    UNION ALL
    SELECT 'relation', name, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM relations WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
    UNION ALL
    SELECT 'column', c.name, t.relowner, c.attacl
    FROM columns AS c JOIN tables AS t ON t.oid = c.attrelid WHERE c.attacl IS NOT NULL
    UNION ALL
    SELECT 'function', name, proowner, coalesce(proacl, acldefault('f', proowner)) FROM functions
    UNION ALL
    SELECT 'type', name, typowner, coalesce(typacl, acldefault('T', typowner)) FROM types
), commented AS (
    SELECT 'pg_catalog.pg_class'::regclass AS catalogue, oid, 0 AS part, name FROM relations
    UNION ALL SELECT 'pg_catalog.pg_class'::regclass, attrelid, attnum, name FROM columns
    UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid, 0, name FROM constraints
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid, 0, name FROM functions
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid, 0, name FROM types
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, to_regnamespace('auth')::oid, 0, 'auth'
)
SELECT kind, name, CASE kind WHEN 'comment' THEN definition
    ELSE regexp_replace(regexp_replace(definition, '\(''((?:[^'']|'''')*)''::character varying\)::text', '''\1''::character varying', 'g'),
        '\((ARRAY\[[^]]*::character varying\])\)::text\[\]', '\1', 'g') END AS definition
FROM (
    SELECT CASE relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, name,
        concat_ws(' ', CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' ELSE 'permanent' END,
            'partitioned by ' || pg_get_partkeydef(oid), 'inherits ' ||
                (SELECT string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = tables.oid),
            pg_get_expr(relpartbound, oid), 'with ' || array_to_string(reloptions, ', ')) AS definition
    FROM tables
    UNION ALL
    SELECT 'row security', name, CASE WHEN NOT relrowsecurity THEN 'off' WHEN relforcerowsecurity THEN 'forced' ELSE 'on' END FROM tables
    UNION ALL
    SELECT 'view', name, concat_ws(' ', CASE relkind WHEN 'm' THEN 'materialized' END, 'with ' || array_to_string(reloptions, ', '), pg_get_viewdef(oid))
    FROM relations WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT 'column', name, concat_ws(' ', format_type(atttypid, atttypmod),
        (SELECT format('collate %I', l.collname) FROM pg_catalog.pg_collation AS l
            JOIN pg_catalog.pg_type AS t ON t.oid = columns.atttypid
            WHERE l.oid = columns.attcollation AND l.oid <> t.typcollation),
        CASE attidentity WHEN 'a' THEN 'generated always as identity' WHEN 'd' THEN 'generated by default as identity' END,
        CASE WHEN attgenerated <> '' THEN 'generated always as (' || pg_get_expr(adbin, attrelid) || ') ' || CASE attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END END)
    FROM columns
    UNION ALL
    SELECT 'default', name, pg_get_expr(adbin, attrelid) FROM columns WHERE adbin IS NOT NULL AND attgenerated = ''
    UNION ALL
    SELECT 'not null', name, 'not null' || CASE WHEN EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = attrelid AND k.contype = 'n' AND k.conkey = ARRAY[attnum] AND NOT k.convalidated) THEN ' NOT VALID' ELSE '' END
    FROM columns WHERE attnotnull
    UNION ALL
    SELECT 'constraint', name, pg_get_constraintdef(oid) FROM constraints
    UNION ALL
    SELECT 'index', name, pg_get_indexdef(indexrelid) || CASE WHEN indisvalid AND indisready THEN '' ELSE ' INVALID' END FROM indexes
    UNION ALL
    SELECT 'trigger', format('%s.%I', t.name, g.tgname), pg_get_triggerdef(g.oid) ||
        CASE g.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' DISABLED' WHEN 'A' THEN ' ENABLED ALWAYS' ELSE ' ENABLED ON REPLICAS' END
    FROM pg_catalog.pg_trigger AS g JOIN relations AS t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'rule', format('%s.%I', r.name, w.rulename), pg_get_ruledef(w.oid) ||
        CASE w.ev_enabled WHEN 'O' THEN '' WHEN 'D' THEN ' DISABLED' WHEN 'A' THEN ' ENABLED ALWAYS' ELSE ' ENABLED ON REPLICAS' END
    FROM pg_catalog.pg_rewrite AS w JOIN relations AS r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy', format('%s.%I', t.name, y.polname), concat_ws(' ',
        CASE WHEN y.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for', y.polcmd, 'to',
        (SELECT string_agg(CASE g WHEN 0 THEN 'public' ELSE g::regrole::text END, ', ' ORDER BY g) FROM unnest(y.polroles) AS g),
        'using ' || pg_get_expr(y.polqual, y.polrelid), 'check ' || pg_get_expr(y.polwithcheck, y.polrelid))
    FROM pg_catalog.pg_policy AS y JOIN tables AS t ON t.oid = y.polrelid
    UNION ALL
    SELECT 'function', name, CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(oid) ELSE prosrc END FROM functions
    UNION ALL
    SELECT 'sequence', r.name, format('%s start %s minimum %s maximum %s increment %s cache %s%s', format_type(q.seqtypid, NULL), q.seqstart,
        q.seqmin, q.seqmax, q.seqincrement, q.seqcache, CASE WHEN q.seqcycle THEN ' cycle' ELSE '' END)
    FROM pg_catalog.pg_sequence AS q JOIN relations AS r ON r.oid = q.seqrelid
    UNION ALL
    SELECT 'enum', name, (SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
        FROM pg_catalog.pg_enum AS v WHERE v.enumtypid = types.oid)
    FROM types WHERE typtype = 'e'
    UNION ALL
    SELECT 'domain', name, concat_ws(' ', format_type(typbasetype, typtypmod), CASE WHEN typnotnull THEN 'not null' END, 'default ' || typdefault)
    FROM types WHERE typtype = 'd'
    UNION ALL
    SELECT 'range', name, (SELECT format_type(g.rngsubtype, NULL) FROM pg_catalog.pg_range AS g WHERE g.rngtypid = types.oid)
    FROM types WHERE typtype = 'r'
    UNION ALL
    SELECT 'composite type', name, '' FROM relations WHERE relkind = 'c'
    UNION ALL
    SELECT 'grant', format('%s on %s to %s', acl.privilege_type, g.name,
        CASE acl.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END),
        CASE WHEN acl.is_grantable THEN 'with grant option' ELSE '' END
    FROM granted AS g CROSS JOIN LATERAL aclexplode(g.acl) AS acl
    WHERE acl.grantee <> g.owner
    UNION ALL
    SELECT 'comment', c.name, d.description
    FROM commented AS c
    JOIN pg_catalog.pg_description AS d ON d.classoid = c.catalogue AND d.objoid = c.oid AND d.objsubid = c.part
) AS objects
ORDER BY kind COLLATE "C", name COLLATE "C", definition COLLATE "C"
