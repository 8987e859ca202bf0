package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"auth-v2-service/internal/apikey"
)

const timeoutExtension = "x-timeout"

// HandlerTimeout returns the contract's own x-timeout, which no operation exceeds.
func HandlerTimeout() (time.Duration, error) {
	contract, err := parseContract()
	if err != nil {
		return 0, err
	}
	return handlerTimeout(contract)
}

func handlerTimeout(contract *openapi3.T) (limit time.Duration, err error) {
	for name := range contract.Extensions {
		if name != timeoutExtension {
			return 0, fmt.Errorf("the contract: %s: an unknown extension", name)
		}
	}
	value := contract.Extensions[timeoutExtension]
	if limit, err = timeoutOf(value); err != nil {
		return 0, fmt.Errorf("the contract: %s: %v: %w", timeoutExtension, value, err)
	}
	return limit, nil
}

// apply refuses an unknown extension: a misspelt one would have no effect.
func (op *operation) apply(extensions map[string]any) error {
	for name, value := range extensions {
		var err error
		switch name {
		case "x-rate-limit":
			op.limited, err = isWord(value, "credentials")
		case "x-role":
			op.admin, err = isWord(value, "admin")
		case "x-bearer":
			op.claimsOnly, err = isWord(value, "claims")
		case "x-scope":
			op.scope, err = scopeOf(value)
		case timeoutExtension:
			limit := op.timeout
			if op.timeout, err = timeoutOf(value); op.timeout > limit {
				err = fmt.Errorf("more than the contract's %s", limit)
			}
		case "x-proxy-statuses":
			op.proxyStatuses, err = proxyStatusesOf(value)
		default:
			err = errors.New("an unknown extension")
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %v: %w", op.id, name, value, err)
		}
	}
	return nil
}

func isWord(value any, word string) (bool, error) {
	if value != word {
		return false, fmt.Errorf("expected %s", word)
	}
	return true, nil
}

func scopeOf(value any) (apikey.Scope, error) {
	text, _ := value.(string)
	if scope := apikey.Scope(text); scope.Known() && scope != apikey.Admin {
		return scope, nil
	}
	return "", errors.New("expected the scope of a key, but admin")
}

func timeoutOf(value any) (time.Duration, error) {
	text, _ := value.(string)
	limit, err := time.ParseDuration(text)
	if err == nil && limit <= 0 {
		err = errors.New("expected more than 0")
	}
	return limit, err
}

// proxyStatusesOf allows what proxies understand: nginx answers 500 for all but 2xx, 401 and 403.
func proxyStatusesOf(value any) (map[int]int, error) {
	pairs, _ := value.(map[string]any)
	if len(pairs) == 0 {
		return nil, errors.New("expected a map of statuses")
	}
	statuses := map[int]int{}
	for refused, answered := range pairs {
		from, err := strconv.Atoi(refused)
		if err != nil || from < http.StatusBadRequest || http.StatusText(from) == "" {
			return nil, fmt.Errorf("%q is not the status of a refusal", refused)
		}
		switch answered {
		case float64(http.StatusUnauthorized):
			statuses[from] = http.StatusUnauthorized
		case float64(http.StatusForbidden):
			statuses[from] = http.StatusForbidden
		default:
			return nil, fmt.Errorf("a proxy does not understand %v: expected 401 or 403", answered)
		}
	}
	return statuses, nil
}
