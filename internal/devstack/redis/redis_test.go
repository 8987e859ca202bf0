package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"auth-v2-service/internal/devstack/redis"
)

func TestStart_ServesAndExpires(t *testing.T) {
	t.Parallel()
	for name, inProcess := range map[string]bool{"in process": true, "whatever is installed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := redis.Start(t.Context(), redis.Options{Dir: t.TempDir(), InProcess: inProcess})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Stop() })
			t.Logf("version %s at %s", server.Version(), server.Addr())
			checkServer(t, server.URL())
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
			<-server.Done()
		})
	}
}

func checkServer(t *testing.T, url string) {
	t.Helper()
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer func() { _ = client.Close() }()
	ctx := t.Context()
	if err := client.Set(ctx, "short", "x", 200*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Eval(ctx, "return redis.call('GET', KEYS[1])", []string{"short"}).Result(); err != nil || got != "x" {
		t.Errorf("the script answers %v, %v, want x", got, err)
	}
	subscription := client.Subscribe(ctx, "channel")
	defer func() { _ = subscription.Close() }()
	if _, err := subscription.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if err := client.Publish(ctx, "channel", "hello").Err(); err != nil {
		t.Fatal(err)
	}
	if message, err := subscription.ReceiveMessage(ctx); err != nil || message.Payload != "hello" {
		t.Errorf("the message is %v, %v, want hello", message, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for client.Exists(ctx, "short").Val() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the value never ended")
		}
		<-time.After(20 * time.Millisecond)
	}
}
