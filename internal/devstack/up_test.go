package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// TestMain can play authd and a killed `authdev up`.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		standIn()
	case os.Getenv("DEVSTACK_TEST_UP") != "":
		err := Up(context.Background(), Options{
			Folder: Folder(os.Getenv("DEVSTACK_TEST_UP")), Authd: os.Args[0], Port: 3408, Identity: Embedded, Out: os.Stdout,
		})
		fmt.Println("up ended:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func standIn() {
	ok := func(http.ResponseWriter, *http.Request) {}
	http.HandleFunc("/health/ready", ok)
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(7) })
	http.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	fmt.Println("stand-in pid", os.Getpid())
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
	os.Exit(3)
}

type running struct {
	folder Folder
	cancel context.CancelFunc
	ended  chan error
	output string
}

func up(t *testing.T, folder Folder, port int, metrics ...int) *running {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{folder: folder, cancel: cancel, ended: make(chan error, 1), output: out.Name()}
	go func() {
		o := Options{Folder: folder, Authd: os.Args[0], Port: port, Identity: Embedded, Out: out}
		if len(metrics) > 0 {
			o.MetricsPort = metrics[0]
		}
		r.ended <- Up(ctx, o)
		_ = out.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; err != nil && !t.Failed() {
			t.Logf("up ended with %v", err)
		}
	})
	return r
}

func (r *running) said(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(r.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// run.env is written last.
func (r *running) ready(t *testing.T) Env {
	t.Helper()
	var env Env
	eventually(t, "the stack is ready", func() bool {
		var err error
		env, err = readEnv(r.folder.RunEnv())
		select {
		case err := <-r.ended:
			r.ended <- err
			t.Fatalf("up ended with %v:\n%s", err, r.said(t))
		default:
		}
		return err == nil
	})
	return env
}

func (r *running) stop(t *testing.T) error {
	t.Helper()
	r.cancel()
	return r.end(t)
}

func (r *running) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("up did not end")
		return nil
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func reachable(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func hostOf(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

func TestUp_TwiceInOneFolder(t *testing.T) {
	folder := Folder(filepath.Join(t.TempDir(), ".dev"))
	for round := range 2 {
		r := up(t, folder, 3108)
		env := r.ready(t)
		checkPeople(t, env)
		if info, err := os.Stat(folder.RunEnv()); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("run.env: %v, %v, want mode 0600", info.Mode(), err)
		}
		if found, err := folder.Running(); err != nil || found.Get("AUTH_URL") != env.Get("AUTH_URL") {
			t.Errorf("Running gives %v, %v", found, err)
		}
		if err := folder.Clean(); !errors.Is(err, ErrRunning) {
			t.Errorf("Clean of a running stack gives %v, want ErrRunning", err)
		}
		if round == 0 {
			if err := Up(t.Context(), Options{Folder: folder, Out: os.Stdout}); !errors.Is(err, ErrRunning) {
				t.Errorf("a second stack in the folder gives %v, want ErrRunning", err)
			}
		}
		if err := r.stop(t); err != nil {
			t.Errorf("told to stop, up answers %v", err)
		}
		for _, address := range []string{hostOf(t, env.Get("DATABASE_URL")), strings.TrimPrefix(env.Get("IDENTITY_URL"), "http://"), strings.TrimPrefix(env.Get("AUTH_URL"), "http://")} {
			if reachable(address) {
				t.Errorf("%s answers after the stop", address)
			}
		}
		if _, err := folder.Running(); !errors.Is(err, ErrNotRunning) {
			t.Errorf("after the stop Running gives %v, want ErrNotRunning", err)
		}
	}
	if err := folder.Clean(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(string(folder)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is there after Clean")
	}
}

func checkPeople(t *testing.T, env Env) {
	t.Helper()
	if err := Seed(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), env.Get("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "DELETE FROM auth.audit_events"); err == nil {
		t.Error("the login that serves may forget what was done")
	}
	for _, person := range People {
		var hash *string
		var userType string
		err := conn.QueryRow(t.Context(), "SELECT user_type, password_hash FROM auth.users WHERE email = $1", person.Email).Scan(&userType, &hash)
		if err != nil || userType != person.UserType {
			t.Errorf("%s: type %q, %v, want %q", person.Email, userType, err, person.UserType)
		}
		if person.UID == "" {
			if hash == nil || bcrypt.CompareHashAndPassword([]byte(*hash), []byte(person.Password)) != nil {
				t.Errorf("%s: the hash does not belong to the password", person.Email)
			}
			continue
		}
		if status := signIn(t, env, person); status != http.StatusOK {
			t.Errorf("%s: signing in gives %d", person.Email, status)
		}
	}
}

func signIn(t *testing.T, env Env, person Person) int {
	t.Helper()
	body, err := json.Marshal(map[string]any{"email": person.Email, "password": person.Password, "returnSecureToken": true})
	if err != nil {
		t.Fatal(err)
	}
	url := env.Get("IDENTITY_URL") + "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=" + env.Get("FIREBASE_API_KEY")
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestUp_SideBySide(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/somebody/elses.json")
	t.Setenv("DATABASE_URL", "postgres://production")
	t.Setenv("LOG_LEVEL", "debug")
	first, second := up(t, Folder(t.TempDir()), 3208, 9564), up(t, Folder(t.TempDir()), 3208, 9564)
	one, two := first.ready(t), second.ready(t)
	for _, name := range []string{"AUTH_URL", "METRICS_URL", "IDENTITY_URL", "DATABASE_URL", "REDIS_URL", "JWT_ACCESS_SECRET"} {
		if one.Get(name) == two.Get(name) {
			t.Errorf("both have %s=%s", name, one.Get(name))
		}
	}
	if said := first.said(t) + second.said(t); !strings.Contains(said, "Port 3208 is in use") {
		t.Errorf("nobody says that the port is in use:\n%s", said)
	}
	for what, wanted := range map[string]string{"AUTH_URL": "http://127.0.0.1:3208", "METRICS_URL": "http://127.0.0.1:9564/metrics"} {
		if (one.Get(what) == wanted) == (two.Get(what) == wanted) {
			t.Errorf("%s is %s and %s, expected one of them at %s", what, one.Get(what), two.Get(what), wanted)
		}
	}
	response, err := http.Get(one.Get("AUTH_URL") + "/env")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var environment []string
	if err := json.NewDecoder(response.Body).Decode(&environment); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(environment, "\n")
	for _, want := range []string{"LOG_LEVEL=debug", "AUTH_ENV=development", "DATABASE_URL=" + one.Get("DATABASE_URL"), "FIREBASE_CERTS_URL=http://127.0.0.1:"} {
		if !strings.Contains(all, want) {
			t.Errorf("authd's environment lacks %s", want)
		}
	}
	if strings.Contains(all, "elses.json") {
		t.Error("somebody else's credentials reach authd")
	}
	if strings.Contains(all, "DATABASE_OWNER_URL") {
		t.Error("the owner's password reaches authd")
	}
}

func TestUp_SaysWhatDied(t *testing.T) {
	t.Parallel()
	r := up(t, Folder(t.TempDir()), 3308)
	env := r.ready(t)
	if response, err := http.Get(env.Get("AUTH_URL") + "/die"); err == nil {
		_ = response.Body.Close()
	}
	if err := r.end(t); err == nil || !strings.Contains(err.Error(), "authd ended by itself: exit status 7") {
		t.Errorf("up answers %v", err)
	}
	if reachable(hostOf(t, env.Get("DATABASE_URL"))) {
		t.Error("PostgreSQL lives on")
	}
	for _, program := range []string{"/nowhere/authd", "/bin/false"} {
		err := Up(t.Context(), Options{Folder: r.folder, Authd: program, Port: 3308, Identity: Embedded, Out: os.Stderr})
		if err == nil {
			t.Errorf("%s: up is content", program)
		}
	}
}

func TestUp_AfterItWasKilled(t *testing.T) {
	t.Parallel()
	folder := Folder(t.TempDir())
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), "DEVSTACK_TEST_UP="+string(folder))
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{folder: folder, ended: make(chan error, 1)}
	env := r.ready(t)
	if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	if _, err := folder.Running(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with a stale run.env Running gives %v, want ErrNotRunning", err)
	}
	for _, address := range []string{hostOf(t, env.Get("DATABASE_URL")), strings.TrimPrefix(env.Get("AUTH_URL"), "http://")} {
		eventually(t, address+" is gone", func() bool { return !reachable(address) })
	}
	again := up(t, folder, 3408)
	eventually(t, "it says that it is ready", func() bool { return strings.Contains(again.said(t), "Ready after") })
	if err := again.stop(t); err != nil {
		t.Error(err)
	}
}
