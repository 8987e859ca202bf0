package proxies

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/testkit/checkout"
	"auth-v2-service/internal/testkit/debian"
)

const (
	host       = "127.0.0.1"
	startLimit = 20 * time.Second
	// addresses in deploy/
	authAddress = "127.0.0.1:3008"
	appAddress  = "127.0.0.1:3001"
	listenPort  = ":8080"
	askingPort  = ":3007"
)

// Kind is a proxy.
type Kind struct {
	Name    string
	program func() (debian.Program, error)
	version []string
	files   []string
	args    func(folder string) []string
}

// All lists the proxies of deploy/.
var All = []Kind{
	{
		Name: "nginx", program: nginx, version: []string{"-v"},
		files: []string{"forward-auth.conf", "forward-auth-request.conf"},
		args: func(folder string) []string {
			return []string{"-p", folder, "-c", folder + "/nginx.conf", "-e", "stderr"}
		},
	},
	{
		Name: "caddy", program: caddy, version: []string{"build-info"},
		files: []string{"Caddyfile"},
		args: func(folder string) []string {
			return []string{"run", "--config", folder + "/Caddyfile", "--adapter", "caddyfile"}
		},
	},
	{
		Name: "haproxy", program: haproxy, version: []string{"-v"},
		files: []string{"haproxy.cfg", "forward-auth.lua"},
		args:  func(folder string) []string { return []string{"-db", "-f", folder + "/haproxy.cfg"} },
	},
}

var versionIn = regexp.MustCompile(`nginx/\S+|caddy/v2\s+v\S+|HAProxy version \S+`)

// Version returns name and version.
func (k Kind) Version() (string, error) {
	p, err := k.program()
	if err != nil {
		return "", err
	}
	if version := versionIn.FindString(p.Says(k.version...)); version != "" {
		return k.Name + " " + version, nil
	}
	return "", fmt.Errorf("%s does not say its version", p.Path)
}

// Weakening replaces a line to show its purpose.
type Weakening struct{ Old, New string }

// Proxy is a running proxy.
type Proxy struct {
	Addr    string
	kind    Kind
	process *child.Process
	log     log
}

// Start runs a proxy in front of app. It asks auth (host:port each).
func (k Kind) Start(t testing.TB, auth, app string, weakened ...Weakening) *Proxy {
	t.Helper()
	p, err := k.program()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a free port may be taken
		var proxy *Proxy
		if proxy, err = k.start(t, p, auth, app, weakened); err == nil {
			t.Cleanup(func() { proxy.end(t) })
			return proxy
		}
	}
	t.Fatalf("start %s: %v", k.Name, err)
	return nil
}

func (k Kind) start(t testing.TB, p debian.Program, auth, app string, weakened []Weakening) (*Proxy, error) {
	t.Helper()
	port, err := freeport.Choose(host, 0)
	if err != nil {
		return nil, err
	}
	asking, err := freeport.Choose(host, 0)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", k.Name+"-") // HAProxy allows no "#" in a path
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := k.configure(folder, port, asking, auth, app, weakened); err != nil {
		return nil, err
	}
	proxy := &Proxy{Addr: net.JoinHostPort(host, strconv.Itoa(port)), kind: k}
	proxy.process, err = child.Start(child.Options{
		Path: p.Path, Args: k.args(folder), Dir: folder, Env: append(p.Environment(), "HOME="+folder),
		Stdout: &proxy.log, Stderr: &proxy.log, StopSignal: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}
	if err := proxy.waitReady(); err != nil {
		_ = proxy.process.Stop()
		return nil, fmt.Errorf("%w; its log:\n%s", err, proxy.Log())
	}
	return proxy, nil
}

func (k Kind) configure(folder string, port, asking int, auth, app string, weakened []Weakening) error {
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	var all string
	texts := map[string]string{}
	for _, name := range k.files {
		text, err := os.ReadFile(filepath.Join(root, "deploy", k.Name, name))
		if err != nil {
			return err
		}
		texts[name] = string(text)
		all += string(text)
	}
	changes := append([]Weakening{
		{authAddress, auth}, {appAddress, app}, {listenPort, ":" + strconv.Itoa(port)},
	}, weakened...)
	for _, change := range changes {
		if !strings.Contains(all, change.Old) {
			return fmt.Errorf("deploy/%s does not say %q", k.Name, change.Old)
		}
	}
	for name, text := range texts {
		for _, change := range changes {
			text = strings.ReplaceAll(text, change.Old, change.New)
		}
		text = strings.ReplaceAll(text, "/etc/haproxy/", folder+"/")
		text = strings.ReplaceAll(text, askingPort, ":"+strconv.Itoa(asking))
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if k.Name == "nginx" {
		return os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(nginxMain(folder)), 0o600)
	}
	return nil
}

func nginxMain(folder string) string {
	text := "daemon off;\nworker_processes 1;\npid " + folder + "/pid;\n"
	if os.Geteuid() == 0 {
		text += "user root;\n" // others cannot read the folder
	}
	text += "events { worker_connections 256; }\nhttp {\naccess_log off;\n"
	for _, use := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += use + "_temp_path " + folder + "/" + use + ";\n"
	}
	return text + "include forward-auth.conf;\n}\n"
}

func (p *Proxy) waitReady() error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	for {
		conn, err := net.DialTimeout("tcp", p.Addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.process.Done():
			return fmt.Errorf("it ended while starting: %w", errors.Join(p.process.Err(), err))
		case <-limit.C:
			return fmt.Errorf("it was not ready in time: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *Proxy) end(t testing.TB) {
	t.Helper()
	if err := p.process.Stop(); err != nil {
		t.Errorf("stop %s: %v", p.kind.Name, err)
	}
	if t.Failed() {
		text := p.Log()
		t.Logf("the end of the log of %s:\n%s", p.kind.Name, text[max(0, len(text)-3000):])
	}
}

// Log returns the output so far.
func (p *Proxy) Log() string { return p.log.String() }

type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
