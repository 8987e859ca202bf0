-- name: InsertAuditEvent :exec
-- Called by internal/audit in the transaction of the act itself. Served by no index: it only adds.
INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
VALUES (
    sqlc.arg(action), sqlc.arg(actor), sqlc.narg(user_id), sqlc.narg(request_id), sqlc.arg(details)
);
