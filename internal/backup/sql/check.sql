-- Inside the transaction of a restore, before it is committed: every table holds what the manifest says, or nothing changes.
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL lc_monetary = 'C';
SET LOCAL search_path = pg_catalog;
DO $check$
DECLARE
    wanted record;
    found_rows bigint;
    found_sum text;
BEGIN
    FOR wanted IN SELECT * FROM jsonb_to_recordset({{data}}) AS t (name text, rows bigint, checksum text) LOOP
        EXECUTE 'SELECT count(*), coalesce(sum(hashtextextended(line, 0)::numeric), 0) || '':'' || coalesce(sum(hashtextextended(line, 1)::numeric), 0)
            FROM (SELECT (row_of_it.*)::text COLLATE "C" AS line FROM ONLY ' || wanted.name::regclass || ' AS row_of_it OFFSET 0) AS lines'
            INTO found_rows, found_sum;
        IF found_rows <> wanted.rows OR found_sum <> wanted.checksum THEN
            RAISE EXCEPTION '% has % rows, checksum %; the manifest says % rows, checksum %',
                wanted.name, found_rows, found_sum, wanted.rows, wanted.checksum;
        END IF;
    END LOOP;
END
$check$;
