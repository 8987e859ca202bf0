// Package schema migrates the database, compares it with this binary and takes steps back.
//
// It owns the runner (D1: one instance works; D4: no step queues for a lock longer than a moment; D5: a step down keeps its data or is
// refused), the catalogue and comparison (D2), and the adoption of a legacy table (D3). It runs db/migrations through dbmate over a direct
// connection (D6). Besides gen/db, only this package holds SQL.
//
// When the build breaks here after a migration, run make generate and commit db/catalogue.jsonl with it. A refused down must archive its
// data in auth.federation_archive.
package schema
