// Package api embeds the contract.
package api

import _ "embed"

// Contract is api/openapi.yaml.
//
//go:embed openapi.yaml
var Contract []byte
