-- Scratch databases that a killed run has left. $1: their names' prefix, $2: the oldest name that may be in use; the time is in it.
SELECT datname::text FROM pg_catalog.pg_database AS d
WHERE starts_with(datname, $1) AND datname < $2 COLLATE "C"
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)
