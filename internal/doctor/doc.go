// Package doctor examines the Firebase project, the service account, the API key, the clocks, PostgreSQL with its rows, and Redis. It
// judges each and advises (T2, A6, A11, D7, least privilege). It changes nothing. What it cannot ask is Unchecked, never Green. Findings
// hold no hash, key or address (O1).
//
// When the build breaks here: see internal/firebase/inspect.go and internal/schema/examine.go.
package doctor
