package firebase_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
)

func TestOutages_AreUnavailable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a closed connection after the body
		<-r.Context().Done()
	}
	outages := map[string]func(t *testing.T) *firebase.Client{
		"refused": func(t *testing.T) *firebase.Client {
			return newGoogle(t, answer("")).client(t, func(o *firebase.Options) { o.EmulatorHost = closed.Addr().String() })
		},
		"cut": func(t *testing.T) *firebase.Client {
			return newGoogle(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).client(t)
		},
		"cut in the answer": func(t *testing.T) *firebase.Client {
			return newGoogle(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, `{"localId":"x"`)
			}).client(t)
		},
		"503": func(t *testing.T) *firebase.Client { return newGoogle(t, refuse(503, "Unavailable")).client(t) },
		"hanging": func(t *testing.T) *firebase.Client {
			return newGoogle(t, hang).client(t, func(o *firebase.Options) { o.Timeout = 200 * time.Millisecond })
		},
		"endless": func(t *testing.T) *firebase.Client {
			return newGoogle(t, func(w http.ResponseWriter, _ *http.Request) {
				for chunk := strings.Repeat("x", 64<<10); ; {
					if _, err := io.WriteString(w, chunk); err != nil {
						return
					}
				}
			}).client(t)
		},
	}
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
				start := time.Now()
				err := run(t.Context(), outage(t))
				var f *fault.Error
				if !errors.As(err, &f) || f.Code != fault.DependencyUnavailable || f.RetryAfter <= 0 {
					t.Fatalf("got %v, want dependency_unavailable with advice", err)
				}
				holdsNoSecret(t, err)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v: the SDK's own retries are not bounded", took)
				}
			})
		})
	}
}

func TestCall_HeedsItsCaller(t *testing.T) {
	g := newGoogle(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := run(ctx, g.client(t))
		if fault.CodeOf(err) != fault.DependencyUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want dependency_unavailable by deadline", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the caller's 100 ms became %v", took)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.client(t).SignIn(ctx, email, password); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled caller gets %v", err)
	}
}

// The Admin SDK would send all five times.
func TestRepetition(t *testing.T) {
	want := map[string]int64{
		"create_user": 1, "sign_in": 1, "refresh": 2, "user": 2, "user_by_email": 2, "delete_user": 1, "import": 1,
		"set_password": 1, "set_disabled": 1, "send_password_reset": 1, "reset_password": 1, "send_email_verification": 1,
		"confirm_email": 1, "finish_sign_in": 1,
		"set_email": 1, "set_state": 1, "list": 2, "export": 2, "hash_config": 2, "batch_delete": 1,
		"displace": 2, "sign_in_as": 2,
	}
	for name, handler := range map[string]http.HandlerFunc{
		"503": refuse(503, "Unavailable"),
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			everyOperation(t, func(t *testing.T, operation string, run func(context.Context, *firebase.Client) error) {
				g := newGoogle(t, handler)
				_ = run(t.Context(), g.client(t))
				if got := g.calls.Load(); got != want[operation] {
					t.Errorf("sent %d times, want %d", got, want[operation])
				}
			})
		})
	}
}

func TestRepetition_AfterALookUp(t *testing.T) {
	for _, operation := range []string{"displace", "sign_in_as"} {
		t.Run(operation, func(t *testing.T) {
			g := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ":lookup") {
					answer(everything)(w, r)
					return
				}
				refuse(503, "Unavailable")(w, r)
			})
			err := operations[operation](t.Context(), g.client(t))
			if !errors.Is(err, firebase.ErrUnreachable) || g.calls.Load() != 2 {
				t.Errorf("%d requests, %v; want a look-up, one request and an outage", g.calls.Load(), err)
			}
		})
	}
}

func TestRepetition_SucceedsTheSecondTime(t *testing.T) {
	var g *google
	g = newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
		if form, _ := io.ReadAll(r.Body); !strings.Contains(string(form), refreshToken) {
			t.Errorf("call %d has the body %q", g.calls.Load(), form)
		}
		if g.calls.Load() == 1 {
			panic(http.ErrAbortHandler)
		}
		answer(everything)(w, r)
	})
	session, err := g.client(t).Refresh(t.Context(), refreshToken)
	if err != nil || session != (firebase.Session{IDToken: idToken, RefreshToken: "r", ExpiresIn: time.Hour, UID: "uid-of-jane"}) {
		t.Errorf("got %+v, %v", session, err)
	}
}
