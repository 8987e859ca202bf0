package httpapi

import (
	"fmt"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	authored "auth-v2-service/api"
)

// parseContract parses the authored contract; the generator's copy has other operationIds.
var parseContract = sync.OnceValues(func() (*openapi3.T, error) {
	contract, err := openapi3.NewLoader().LoadFromData(authored.Contract)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	return contract, nil
})

// readContract copies servers and paths. All else is shared and read-only.
func readContract() (*openapi3.T, error) {
	parsed, err := parseContract()
	if err != nil {
		return nil, err
	}
	contract := *parsed
	contract.Paths = openapi3.NewPathsWithCapacity(parsed.Paths.Len())
	contract.Paths.Extensions = parsed.Paths.Extensions
	for path, item := range parsed.Paths.Map() {
		contract.Paths.Set(path, item)
	}
	return &contract, nil
}

// SecretFields returns the fields marked x-secret, which no log may show.
func SecretFields() ([]string, error) {
	contract, err := parseContract()
	if err != nil {
		return nil, err
	}
	return secretFields(contract), nil
}

func secretFields(contract *openapi3.T) []string {
	seen := map[string]bool{}
	var names []string
	for _, schema := range contract.Components.Schemas {
		for name, property := range schema.Value.Properties {
			if property.Value.Extensions["x-secret"] == true && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}
