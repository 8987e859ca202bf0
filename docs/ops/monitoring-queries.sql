-- What to ask PostgreSQL about this service, and what a bad answer looks like. Each query is run by a test.

-- Which migrations are applied?
-- Bad: the last version is not the newest of db/migrations, or one is missing in between.
SELECT version FROM auth.schema_migrations ORDER BY version;

-- Which indexes of the schema are invalid?
-- Bad: any row. A build was cut short; nobody uses the index and everybody pays for it.
SELECT c.oid::regclass AS index, i.indrelid::regclass AS on_table
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'auth'::regnamespace AND NOT i.indisvalid;

-- Which constraints do old rows not have to keep?
-- Bad: any row that is older than the last deployment: VALIDATE CONSTRAINT has not been run.
SELECT conrelid::regclass AS on_table, conname FROM pg_constraint WHERE connamespace = 'auth'::regnamespace AND NOT convalidated;

-- Who waits for whom in the schema?
-- Bad: a row whose waiting_for is above a second, above all where the holder is "idle in transaction".
SELECT
    waiter.pid, waiter.application_name, now() - waiter.query_start AS waiting_for, holder.pid AS holder_pid,
    holder.application_name AS holder, holder.state AS holder_state, now() - holder.xact_start AS holder_open_for
FROM pg_stat_activity AS waiter
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) AS blocking (pid)
JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
WHERE waiter.datname = current_database();

-- Which transactions have been open for long?
-- Bad: minutes. They hold up migrations and keep dead rows from being cleaned away.
SELECT pid, application_name, usename, state, now() - xact_start AS open_for
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start < now() - interval '1 minute'
ORDER BY xact_start;

-- How many people sign in where, and in what state?
-- Bad: "failed" above 0 for long, or "syncing" that does not fall.
SELECT coalesce(auth_provider, 'local') AS auth_provider, coalesce(federation_status, 'active') AS federation_status, count(*)
FROM auth.users
GROUP BY 1, 2
ORDER BY 1, 2;

-- Who has been on the way to Firebase for more than an hour?
-- Bad: any row: a registration or a sync was cut short and nobody has retried it.
SELECT id, created_at, updated_at
FROM auth.users
WHERE federation_status = 'syncing' AND updated_at < now() - interval '1 hour'
ORDER BY updated_at
LIMIT 100;

-- Who came in the last day, by the hour?
-- Bad: a sudden step up (somebody registers in bulk) or nothing in a busy hour.
SELECT date_trunc('hour', created_at) AS hour, count(*)
FROM auth.users
WHERE created_at > now() - interval '1 day'
GROUP BY 1
ORDER BY 1;

-- How many people were there within a day and a month?
-- Bad: a fall after a deployment.
SELECT
    count(*) FILTER (WHERE last_login > now() - interval '1 day') AS within_a_day,
    count(*) FILTER (WHERE last_login > now() - interval '30 days') AS within_30_days
FROM auth.users;

-- What was done to accounts lately?
-- Bad: one actor or one action far above its usual count.
SELECT action, actor, count(*), max(occurred_at) AS latest
FROM auth.audit_events
WHERE occurred_at > now() - interval '1 day'
GROUP BY 1, 2
ORDER BY 3 DESC
LIMIT 50;

-- How old are the issuer's keys that a restart would begin with?
-- Bad: above 6 hours; at 24 hours no token verifies.
SELECT source, now() - fetched_at AS age, fresh_until FROM auth.verification_keys;

-- Does the archive hold what a step down took out?
-- Bad: rows while every migration is applied.
SELECT relation, count(*), min(archived_at) AS since FROM auth.federation_archive GROUP BY 1 ORDER BY 1;

-- Is the table cleaned and analysed?
-- Bad: dead rows above a fifth of the live ones, or no analysis for days.
SELECT relname, n_live_tup, n_dead_tup, last_autovacuum, last_autoanalyze
FROM pg_stat_user_tables
WHERE schemaname = 'auth'
ORDER BY n_dead_tup DESC;

-- Which indexes does nobody use?
-- Bad: a large one with 0 scans after weeks (the unique ones hold a rule and stay).
SELECT indexrelid::regclass AS index, idx_scan, pg_size_pretty(pg_relation_size(indexrelid)) AS size
FROM pg_stat_user_indexes
WHERE schemaname = 'auth'
ORDER BY idx_scan, pg_relation_size(indexrelid) DESC;

-- How far is the move to Firebase?
-- Bad: rows that stay local while usersPercent is 100, or syncing ones that are older than a few minutes.
SELECT coalesce(auth_provider, 'local') AS provider, coalesce(federation_status, 'active') AS status, count(*), min(updated_at) AS oldest
FROM auth.users
GROUP BY 1, 2
ORDER BY 1, 2;

-- What stops people from being moved?
-- Bad: any reason that many share; docs/guides/both-worlds.md says what to decide.
SELECT failure, count(*), min(failed_at) AS since FROM auth.move_claims WHERE failure IS NOT NULL GROUP BY 1 ORDER BY 2 DESC;

-- Who holds legacy sessions still, and is a refresh token being used twice?
-- Bad: events in the last column: each is a session that was ended because two held it.
SELECT
    count(*) FILTER (WHERE ended_at IS NULL AND expires_at > now()) AS living,
    max(rotated_at) AS last_refresh,
    (SELECT count(*) FROM auth.audit_events WHERE action = 'session.refresh_token_reused' AND occurred_at > now() - interval '1 day') AS reused
FROM auth.legacy_sessions;

-- Does PostgreSQL tell every instance of changes?
-- Bad: fewer rows than instances. Those that are missing see what others write after up to 10 s; their logs say why.
SELECT pid, client_addr, backend_start FROM pg_stat_activity WHERE application_name = 'authd listener' AND datname = current_database();

-- Does somebody who listens not keep up?
-- Bad: above 0.1. A listener stands in an open transaction, and what is told waits for it.
SELECT pg_notification_queue_usage();
