package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/redisreply"
)

// minRedis is the oldest tested version.
const minRedis = 6

func redisServer(ctx context.Context, c config.Config) []Finding {
	options, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		return in("Redis", red("connection", "correct REDIS_URL", "REDIS_URL is not a redis:// URL"))
	}
	options.MaxRetries, options.DialerRetries, options.DialTimeout = -1, 1, 5*time.Second
	redisreply.Bound(options)
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	said, err := client.Info(ctx).Result()
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		return in("Redis", unchecked("settings", "this user may not ask INFO: %v", err), writing(ctx, client))
	case err != nil:
		return in("Redis", red("connection", "is the server up, and REDIS_URL right? Meanwhile limits count in each process, and revocations take up to 10 s",
			"it cannot be reached: %v", err))
	}
	return in("Redis", append(judgeRedis(fields(said)), writing(ctx, client))...)
}

// tryRedis does what the service's scripts do.
var tryRedis = redis.NewScript(`
redis.call('SET', KEYS[1], 'doctor', 'PX', 1000)
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', 'auth:doctor', 'doctor')
return 1`)

// writing detects a replica or a full server.
func writing(ctx context.Context, client *redis.Client) Finding {
	if err := tryRedis.Run(ctx, client, []string{"limit:doctor"}).Err(); err != nil {
		return red("writing", "point REDIS_URL at a primary with memory to spare, for a user that may write, run scripts and publish; "+
			"meanwhile limits count in each process, and instances read every row", "it answers and refuses: %v", err)
	}
	return green("writing", "scripts write, delete and publish")
}

func fields(info string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[name] = value
		}
	}
	return out
}

func judgeRedis(info map[string]string) []Finding {
	version, limit, policy := info["redis_version"], info["maxmemory"], info["maxmemory_policy"]
	if version == "" {
		return []Finding{unchecked("settings", "the server does not tell them")}
	}
	first, _, _ := strings.Cut(version, ".")
	major, _ := strconv.Atoi(first)
	eviction := green("eviction", "no limit of memory is set")
	if limit != "" && limit != "0" {
		eviction = judged("eviction", policy == "noeviction", Yellow, fmt.Sprintf("%s at %s bytes", policy, limit),
			"CONFIG SET maxmemory-policy allkeys-lru: a full server that evicts nothing refuses writes, and limits then count in each process")
	}
	return []Finding{
		judged("version", major < minRedis, Red, version, "upgrade to Redis 6 or later"),
		eviction,
		green("persistence", "the append-only file is %s; nothing here needs one", onOff(info["aof_enabled"] == "1")),
	}
}
