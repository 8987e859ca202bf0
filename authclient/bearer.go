package authclient

import "strings"

// maxToken is the service's limit (T1).
const maxToken = 8 << 10

// bearerToken returns the one token (RFC 6750, section 2.1). A comma may join two headers (RFC 9110, section 5.3).
func bearerToken(headers []string) (string, error) {
	switch len(headers) {
	case 0:
		return "", errMissing
	case 1:
	default:
		return "", errTwoCredentials
	}
	if strings.Contains(headers[0], ",") {
		return "", severalIn(headers[0])
	}
	token := cutBearer(headers[0])
	switch {
	case token == "":
		return "", errMissing
	case len(token) > maxToken, !isToken68(token):
		return "", errMalformed
	}
	return token, nil
}

func severalIn(header string) error {
	for part := range strings.SplitSeq(header, ",") {
		if cutBearer(part) != "" {
			return errTwoCredentials
		}
	}
	return errMissing
}

func cutBearer(credential string) string {
	scheme, token, _ := strings.Cut(strings.Trim(credential, " \t"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(token, " \t")
}

// isToken68 checks RFC 9110, section 11.2. Such a token needs no JSON escaping.
func isToken68(token string) bool {
	body := strings.TrimRight(token, "=")
	for i := range len(body) {
		c := body[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != ""
}
