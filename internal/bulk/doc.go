// Package bulk runs operations on many users. It owns auth.bulk_runs and auth.bulk_run_users. [Service.Carry] takes pages of ids by key,
// batches of internal/move and a canary after each batch, and pauses where something is wrong (M2 to M4, R2).
//
// The state is in PostgreSQL alone. A lease keeps a second carrier away to save work; the claims of internal/move keep users safe.
//
// When the build breaks here after a schema change, see db/queries/bulk_runs.sql and fromRow.
package bulk
