package proxies

import (
	"regexp"
	"sync"

	"auth-v2-service/internal/testkit/debian"
)

var (
	nginx   = debian.Find(debian.Wanted{Name: "nginx", Ask: []string{"-V"}, Fits: regexp.MustCompile("http_auth_request_module")})
	haproxy = debian.Find(debian.Wanted{
		Name: "haproxy", Ask: []string{"-vv"}, Fits: regexp.MustCompile(`version (2\.[6-9]|[3-9]).*(?s:.*)USE_LUA=1`),
	})
	caddy = sync.OnceValues(func() (debian.Program, error) {
		// -n prints the path in the build cache
		path, err := debian.InCheckout([]string{"CGO_ENABLED=0"}, "go", "tool", "-n", "-modfile=tools/caddy/go.mod", "caddy")
		return debian.Program{Path: path}, err
	})
)
