package proxies

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"auth-v2-service/internal/testkit/checkout"
)

const installLimit = 10 * time.Minute

// program is how a proxy is called.
type program struct {
	path      string
	libraries string // folders to look for shared libraries in, or ""
}

func (p program) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	if p.libraries != "" {
		env = append(env, "LD_LIBRARY_PATH="+p.libraries)
	}
	return env
}

// says is what the program prints when it is called so.
func (p program) says(words ...string) string {
	command := exec.Command(p.path, words...)
	command.Env = p.environment()
	output, _ := command.CombinedOutput() // one that does not run says nothing that fits
	return string(output)
}

// debians finds the installed program, else brings Debian's; what it says about itself must fit, for a build can lack what the
// configuration needs.
func debians(name string, fits *regexp.Regexp, words ...string) func() (program, error) {
	return sync.OnceValues(func() (program, error) {
		for _, path := range []string{name, "/usr/sbin/" + name} {
			if found, err := exec.LookPath(path); err == nil && fits.MatchString(program{path: found}.says(words...)) {
				return program{path: found}, nil
			}
		}
		output, err := inCheckout(nil, "tools/debian-unpack.sh", name, name)
		if err != nil {
			return program{}, err
		}
		folder, libraries, _ := strings.Cut(output, "\n")
		p := program{path: filepath.Join(folder, "usr/sbin", name), libraries: libraries}
		if said := p.says(words...); !fits.MatchString(said) {
			return program{}, fmt.Errorf("the %s of Debian's package does not fit: %s", name, said)
		}
		return p, nil
	})
}

var (
	nginx   = debians("nginx", regexp.MustCompile("http_auth_request_module"), "-V")
	haproxy = debians("haproxy", regexp.MustCompile(`version (2\.[6-9]|[3-9]).*(?s:.*)USE_LUA=1`), "-vv")
	caddy   = sync.OnceValues(func() (program, error) {
		// The build cache keeps the program; -n names it there. The tests' own flags (-race) are not its.
		path, err := inCheckout([]string{"CGO_ENABLED=0"}, "go", "tool", "-n", "-modfile=tools/caddy/go.mod", "caddy")
		return program{path: path}, err
	})
)

// inCheckout runs a command at the checkout's top and gives what it prints; what it says meanwhile goes to standard error.
func inCheckout(environment []string, words ...string) (string, error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	if strings.HasPrefix(words[0], "tools/") {
		command = exec.CommandContext(ctx, filepath.Join(root, words[0]), words[1:]...)
	}
	command.Dir, command.Stderr, command.Env = root, os.Stderr, append(os.Environ(), environment...)
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	return strings.TrimSpace(string(output)), nil
}
