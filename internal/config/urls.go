package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

const maxPort = 65535

func usablePort(port int) bool { return port >= 1 && port <= maxPort }

// validateURLs never shows a value.
func (c Config) validateURLs() error {
	var faults []error
	for _, v := range []struct {
		variable
		schemes []string
		check   func(name, value string, u *url.URL) error
	}{
		{variable{"DATABASE_URL", c.DatabaseURL}, []string{"postgres", "postgresql"}, validateServers},
		{variable{"DATABASE_DIRECT_URL", unlessEqual(c.DatabaseDirectURL, c.DatabaseURL)}, []string{"postgres", "postgresql"}, validateServers},
		{variable{"DATABASE_OWNER_URL", unlessEqual(c.DatabaseOwnerURL, c.DatabaseDirectURL)}, []string{"postgres", "postgresql"}, validateServers},
		{variable{"BACKUP_VERIFY_URL", c.BackupVerifyURL}, []string{"postgres", "postgresql"}, validateDriver},
		{variable{"REDIS_URL", c.RedisURL}, []string{"redis", "rediss"}, validateRedis},
		{variable{"FIREBASE_CERTS_URL", c.FirebaseCertsURL}, []string{"https", "http"}, validateCertsURL},
		{variable{"OTEL_EXPORTER_OTLP_ENDPOINT", c.OTLPEndpoint}, []string{"https", "http"}, validateCollector},
	} {
		if v.value == "" {
			continue
		}
		u, err := url.Parse(v.value)
		if err != nil || u.Host == "" || !slices.Contains(v.schemes, u.Scheme) {
			faults = append(faults, fmt.Errorf("%s must be a URL that begins with %s://", v.name, v.schemes[0]))
			continue
		}
		faults = append(faults, v.check(v.name, v.value, u))
	}
	return errors.Join(faults...)
}

// A derived URL would repeat its source's fault.
func unlessEqual(value, other string) string {
	if value == other {
		return ""
	}
	return value
}

// A standby would refuse writes.
func validateServers(name, value string, address *url.URL) error {
	for key, values := range address.Query() {
		if strings.EqualFold(key, "target_session_attrs") && !slices.Contains([]string{"", "any", "read-write", "primary"}, values[0]) {
			return fmt.Errorf("%s asks for target_session_attrs=%s: leave it out, the service takes the server that takes writes", name, values[0])
		}
	}
	for host := range strings.SplitSeq(address.Host, ",") {
		if host == "" || strings.HasPrefix(host, ":") {
			return fmt.Errorf("%s names an empty host: separate several as in postgres://user@one:5432,two:5432/name", name)
		}
	}
	return validateDriver(name, value, address)
}

func validateDriver(name, value string, address *url.URL) error {
	_, err := pgxpool.ParseConfig(value)
	if err == nil {
		return nil
	}
	password, _ := address.User.Password()
	if cause := errors.Unwrap(err); cause != nil && (password == "" || !strings.Contains(cause.Error(), password)) {
		return fmt.Errorf("%s cannot be used: %w", name, cause)
	}
	return fmt.Errorf("%s cannot be used: look at its port and its parameters", name)
}

func validateRedis(name, value string, u *url.URL) error {
	options, err := redis.ParseURL(value)
	if err != nil || options.DB < 0 || strings.Contains(u.Host, ",") || !soundPort(u) {
		return fmt.Errorf("%s must be like redis://host:6379/0: one host, a number for the database, and only parameters of go-redis", name)
	}
	return nil
}

func validateCertsURL(name, _ string, u *url.URL) error {
	if u.User != nil {
		return fmt.Errorf("%s must not hold credentials: it is logged", name)
	}
	return validatePort(name, u)
}

// The exporter adds /v1/traces.
func validateCollector(name, _ string, u *url.URL) error {
	switch {
	case u.User != nil || u.RawQuery != "":
		return fmt.Errorf("%s must not hold credentials: OTEL_EXPORTER_OTLP_HEADERS is for them", name)
	case strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1/traces"), u.Fragment != "":
		return fmt.Errorf("%s must be the collector's base URL, without /v1/traces, which is added", name)
	}
	return validatePort(name, u)
}

func validatePort(name string, u *url.URL) error {
	if !soundPort(u) {
		return fmt.Errorf("%s has a port that is none: must be 1 to %d", name, maxPort)
	}
	return nil
}

func soundPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && usablePort(port) && strconv.Itoa(port) == u.Port()
}

// Browsers omit these ports (RFC 6454 section 6.2).
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// originProblem returns "" for a sound Origin.
func originProblem(origin string) string {
	u, err := url.Parse(origin)
	switch {
	case err != nil, u.Host == "", u.Scheme+"://"+u.Host != origin, strings.Contains(origin, "*"), !soundPort(u):
		return "must be like https://app.example.com"
	case strings.ContainsFunc(origin, func(r rune) bool { return r > '~' }):
		return "browsers send the host in ASCII, such as xn--mnchen-3ya.example"
	case u.Port() != "" && u.Port() == defaultPorts[u.Scheme]:
		return "browsers leave out the port :" + u.Port() + " of " + u.Scheme
	}
	return ""
}
