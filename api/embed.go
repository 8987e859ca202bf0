// Package api carries the contract inside the binary: what GET /openapi.yaml answers.
package api

import _ "embed"

// Contract is api/openapi.yaml, byte for byte.
//
//go:embed openapi.yaml
var Contract []byte
