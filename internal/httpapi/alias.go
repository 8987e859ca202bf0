package httpapi

import "github.com/getkin/kin-openapi/openapi3"

// aliasExtension names a path's alias. The published contract omits aliases: client generators reject one operationId at two paths.
const aliasExtension = "x-alias"

// AddAliases adds each alias to contract, so that its requests are validated. It returns the aliases by path.
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
