package redisreply_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/redisreply"
)

// answering returns a client of a server that sends text in pieces.
func answering(t *testing.T, text string, piece int) *redis.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if !awaitGet(conn) {
					return
				}
				for rest := text; rest != ""; {
					n := min(piece, len(rest))
					if _, err := conn.Write([]byte(rest[:n])); err != nil {
						return
					}
					rest = rest[n:]
				}
				_, _ = conn.Read(make([]byte, 4096))
			}()
		}
	}()
	options := &redis.Options{
		Addr: listener.Addr().String(), Protocol: 2, DisableIdentity: true, MaxRetries: -1, ReadTimeout: 2 * time.Second, ContextTimeoutEnabled: true,
	}
	redisreply.Bound(options)
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// awaitGet refuses the handshake's commands and returns at GET.
func awaitGet(conn net.Conn) bool {
	for {
		asked := make([]byte, 4096)
		n, err := conn.Read(asked)
		if err != nil || strings.Contains(string(asked[:n]), "GET") {
			return err == nil
		}
		for range strings.Count("\r\n"+string(asked[:n]), "\r\n*") {
			if _, err := conn.Write([]byte("-ERR unknown command\r\n")); err != nil {
				return false
			}
		}
	}
}

func TestBound_RefusesWhatWouldTakeMemory(t *testing.T) {
	for what, text := range map[string]string{
		"an array of 8 million":       "*8000000\r\n",
		"a set":                       "~8000000\r\n",
		"a map":                       "%4000000\r\n",
		"a push":                      ">8000000\r\n",
		"an array in an array":        "*2\r\n$1\r\na\r\n*8000000\r\n",
		"a string of 64 MiB":          "$67108864\r\nx",
		"a verbatim string":           "=67108864\r\nx",
		"a blob error":                "!67108864\r\nx",
		"arrays in arrays":            strings.Repeat("*1\r\n", 100_000),
		"a line without an end":       "+" + strings.Repeat("x", 2<<20),
		"many strings of one reply":   "*1000\r\n" + strings.Repeat("$10000\r\n"+strings.Repeat("x", 10_000)+"\r\n", 1000),
		"after a reply that is sound": "+OK\r\n*8000000\r\n",
	} {
		client := answering(t, text, 1<<16)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := client.Do(ctx, "GET", "a").Result()
		if what == "after a reply that is sound" && err == nil {
			_, err = client.Do(ctx, "GET", "a").Result()
		}
		runtime.ReadMemStats(&after)
		cancel()
		if err == nil {
			t.Errorf("%s was taken", what)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 24<<20 {
			t.Errorf("%s took %d MiB, expected a few", what, took>>20)
		}
	}
}

func TestBound_LetsRepliesThrough(t *testing.T) {
	t.Parallel()
	for _, piece := range []int{1, 2, 3, 7, 1 << 16} {
		const text = "*4\r\n$5\r\na\r\n*9\r\n*0\r\n*-1\r\n*2\r\n:1\r\n+plain\r\n"
		got, err := answering(t, text, piece).Do(t.Context(), "GET", "a").Slice()
		if err != nil || len(got) != 4 || got[0] != "a\r\n*9" || got[2] != nil || got[3].([]any)[1] != "plain" {
			t.Errorf("in pieces of %d: %v (%v)", piece, got, err)
		}
	}
	long := strings.Repeat("x", 500_000)
	if got, err := answering(t, "$500000\r\n"+long+"\r\n", 1<<16).Do(t.Context(), "GET", "a").Text(); err != nil || got != long {
		t.Errorf("a long string arrived with %d bytes (%v)", len(got), err)
	}
}
