// Package schema migrates the database, compares it with this binary and takes steps back.
//
// It owns the runner (D1: one instance works; D4: no long locks; D5: a step down loses nothing), the comparison (D2) and adoption (D3). It
// runs db/migrations through dbmate over a direct connection (D6).
//
// When the build breaks here after a migration, run make generate and commit db/catalogue.jsonl. A refused down must archive its data in
// auth.federation_archive.
package schema
