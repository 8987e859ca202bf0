// Package schema brings the database to what this binary was built for, says whether it is there, and takes steps back.
//
// It owns the migrations' runner (D1: one of many instances works; D4: no step stands in a lock's queue for longer than a
// moment; D5: what a step down takes out is kept, or the step is refused), the catalogue and its comparison (D2), and the adoption of a live legacy table
// (D3). It runs db/migrations through dbmate over a direct connection (D6) and is the one room beside gen/db that holds SQL: the
// catalogue's. It knows nobody in auth.users and serves no request but /health/schema.
//
// When the build or a test breaks here after a migration: run make generate, which writes db/catalogue.jsonl anew, and commit
// it with the migration. A migration that a test of downs refuses must keep what it takes out in auth.federation_archive.
package schema
