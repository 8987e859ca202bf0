-- name: InsertAuditEvent :exec
-- Called by internal/audit in the transaction of the act itself. Served by no index: it only adds.
INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
VALUES (
    sqlc.arg(action), sqlc.arg(actor), sqlc.narg(user_id), sqlc.narg(request_id), sqlc.arg(details)
);

-- name: InsertAuditEvents :exec
-- Called by internal/audit for many acts of one kind, in their transaction. Served by no index: it only adds.
INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
SELECT
    sqlc.arg(action)::text, sqlc.arg(actor)::text, unnest(sqlc.arg(user_ids)::uuid []), sqlc.narg(request_id)::text,
    unnest(sqlc.arg(details)::jsonb []);

-- name: AuditEvents :many
-- Called by internal/audit for a page of events, the newest first; after is the last of the page before. Planned for what it asks
-- (PlanEachTime). Served by idx_audit_events_time or idx_audit_events_actor or idx_audit_events_action or idx_audit_events_user_id.
SELECT id, occurred_at, action, actor, user_id, request_id, details
FROM auth.audit_events
WHERE
    (sqlc.narg(user_id)::uuid IS NULL OR user_id = sqlc.narg(user_id)::uuid)
    AND (sqlc.narg(actor)::text IS NULL OR actor = sqlc.narg(actor)::text)
    AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action)::text)
    AND (sqlc.narg(since)::timestamptz IS NULL OR occurred_at >= sqlc.narg(since)::timestamptz)
    AND (sqlc.narg(until)::timestamptz IS NULL OR occurred_at < sqlc.narg(until)::timestamptz)
    AND (
        sqlc.narg(after_time)::timestamptz IS NULL
        OR (occurred_at, id) < (sqlc.narg(after_time)::timestamptz, sqlc.arg(after_id)::bigint)
    )
ORDER BY occurred_at DESC, id DESC
LIMIT sqlc.arg(page_size)::int;

-- name: AuditEventsOf :many
-- Called by internal/audit for all that was done to one user, the oldest first. Served by idx_audit_events_user_id.
SELECT id, occurred_at, action, actor, user_id, request_id, details
FROM auth.audit_events
WHERE user_id = sqlc.arg(user_id)::uuid
ORDER BY id;
