-- What holds data that the role may read, in every schema but the server's own: tables with their columns (generated ones hold nothing of their own), and
-- sequences that no column owns. An object is known by its oid and number, so a renamed one is the same, and one that was dropped and
-- made again is another. It runs with search_path = pg_catalog, so that every type and default is qualified.
SELECT c.oid::bigint AS relation, coalesce(a.attnum, 0)::int AS number, c.relkind = 'S' AS sequence,
    format('%I.%I', n.nspname, c.relname) AS relation_name, coalesce(quote_ident(a.attname), '') AS column_name, coalesce(a.attname, '') AS plain_name,
    coalesce(format_type(a.atttypid, a.atttypmod), '') AS type,
    coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS default_value
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND c.relkind <> 'S' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    AND has_table_privilege(c.oid, 'SELECT') AND (c.relkind IN ('r', 'p') OR (c.relkind = 'S' AND NOT EXISTS (
        SELECT FROM pg_depend AS owned
        WHERE owned.classid = 'pg_class'::regclass AND owned.objid = c.oid AND owned.refclassid = 'pg_class'::regclass AND owned.deptype IN ('a', 'i'))))
ORDER BY relation, number
