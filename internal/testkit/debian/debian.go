// Package debian finds programs, or unpacks Debian's packages without root.
package debian

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

// Program is a program to run.
type Program struct {
	Path      string
	Libraries string // LD_LIBRARY_PATH
}

// Environment returns its variables.
func (p Program) Environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	if p.Libraries != "" {
		env = append(env, "LD_LIBRARY_PATH="+p.Libraries)
	}
	return env
}

// Says returns the program's output.
func (p Program) Says(words ...string) string {
	command := exec.Command(p.Path, words...)
	command.Env = p.Environment()
	output, _ := command.CombinedOutput()
	return string(output)
}

// Wanted is a program. Fits must match the output of Ask.
type Wanted struct {
	Name     string
	Packages []string // nil: Name
	Ask      []string
	Fits     *regexp.Regexp
}

// Find returns a function that searches once per process.
func Find(w Wanted) func() (Program, error) {
	return sync.OnceValues(func() (Program, error) {
		for _, path := range []string{w.Name, "/usr/sbin/" + w.Name} {
			if found, err := exec.LookPath(path); err == nil && w.Fits.MatchString(Program{Path: found}.Says(w.Ask...)) {
				return Program{Path: found}, nil
			}
		}
		packages := w.Packages
		if packages == nil {
			packages = []string{w.Name}
		}
		output, err := InCheckout(nil, append([]string{"tools/debian-unpack.sh", w.Name}, packages...)...)
		if err != nil {
			return Program{}, err
		}
		folder, libraries, _ := strings.Cut(output, "\n")
		p := Program{Path: filepath.Join(folder, "usr/sbin", w.Name), Libraries: libraries}
		if _, err := os.Stat(p.Path); err != nil {
			p.Path = filepath.Join(folder, "usr/bin", w.Name)
		}
		if said := p.Says(w.Ask...); !w.Fits.MatchString(said) {
			return Program{}, fmt.Errorf("the %s of Debian's package does not fit: %s", w.Name, said)
		}
		return p, nil
	})
}

// InCheckout runs a command at the checkout's top.
func InCheckout(environment []string, words ...string) (string, error) {
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
