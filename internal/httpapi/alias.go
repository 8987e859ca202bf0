package httpapi

import "github.com/getkin/kin-openapi/openapi3"

// aliasExtension names, at a path of the contract, a second path that answers the same. The published contract has no entry for it,
// because the same operationId at two paths stops generators of clients.
const aliasExtension = "x-alias"

// AddAliases gives each alias an entry of its own in contract, with the operations of the path that names it, so that requests to an
// alias are validated as well. It returns the aliases by that path.
func AddAliases(contract *openapi3.T) map[string]string {
	aliases := map[string]string{}
	for path, item := range contract.Paths.Map() {
		if alias, ok := item.Extensions[aliasExtension].(string); ok {
			aliases[path] = alias
			contract.Paths.Set(alias, item)
		}
	}
	return aliases
}
