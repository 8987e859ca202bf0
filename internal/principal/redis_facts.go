package principal

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/token"
)

// Channel carries changed row ids as text. A forged message only causes reloads (T7).
const Channel = "auth:users:changed"

const generationLife = 2 * MaxFactsAge

// redisFacts keeps sealed facts and one random generation per user in Redis. An invalidation deletes both. Facts are stored only under the
// generation from before their reading (T5). Generations never recur.
type redisFacts struct{ redis redis.UniversalClient }

// A user's keys share one cluster slot.
func redisFactsKey(key factsKey) string {
	return "auth:facts:{" + key.id.String() + "}:" + string(key.kind)
}

func redisGenerationKey(id uuid.UUID) string { return "auth:facts:{" + id.String() + "}:generation" }

// found has no sealed facts on a miss. A negative left is unknown.
type found struct {
	sealed     []byte
	left       time.Duration
	generation string
}

var lookScript = redis.NewScript(`
local generation = redis.call('GET', KEYS[2])
if not generation or #generation ~= #ARGV[1] then
	generation = ARGV[1]
	redis.call('SET', KEYS[2], generation, 'PX', ARGV[2])
end
local sealed = false
if redis.call('STRLEN', KEYS[1]) <= tonumber(ARGV[3]) then
	sealed = redis.call('GET', KEYS[1])
end
return {sealed, redis.call('PTTL', KEYS[1]), generation}`)

// look creates a missing generation.
func (s redisFacts) look(ctx context.Context, key factsKey) (found, error) {
	answer, err := lookScript.Run(ctx, s.redis, []string{redisFactsKey(key), redisGenerationKey(key.id)},
		rand.Text(), generationLife.Milliseconds(), maxSealed).Slice()
	if err != nil {
		return found{}, fmt.Errorf("look for facts in Redis: %w", err)
	}
	if len(answer) != 3 {
		return found{}, fmt.Errorf("look for facts in Redis: %d values came", len(answer))
	}
	sealed, _ := answer[0].(string)
	left, _ := answer[1].(int64)
	generation, _ := answer[2].(string)
	return found{sealed: []byte(sealed), left: time.Duration(left) * time.Millisecond, generation: generation}, nil
}

var putScript = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
	return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

// put does nothing where the generation has changed.
func (s redisFacts) put(ctx context.Context, key factsKey, generation string, sealed []byte, life time.Duration) (left bool, err error) {
	n, err := putScript.Run(ctx, s.redis, []string{redisFactsKey(key), redisGenerationKey(key.id)},
		generation, sealed, life.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("leave facts in Redis: %w", err)
	}
	return n == 1, nil
}

// forgetScript only deletes, so a full Redis accepts it. Where DEL is refused (a replica), it still publishes, then fails.
var forgetScript = redis.NewScript(`
local deleted = redis.pcall('DEL', unpack(KEYS))
if ARGV[1] ~= '' then
	redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return deleted`)

func (s redisFacts) forget(ctx context.Context, id uuid.UUID) error { return s.invalidate(ctx, id, "") }

func (s redisFacts) announce(ctx context.Context, id uuid.UUID) error {
	return s.invalidate(ctx, id, Channel)
}

func (s redisFacts) probe(ctx context.Context) error {
	noRow := factsKey{id: uuid.Nil, kind: token.KindFirebase}
	there, err := s.look(ctx, noRow)
	if err != nil {
		return err
	}
	if _, err = s.put(ctx, noRow, there.generation, []byte("probe"), time.Second); err != nil {
		return err
	}
	return s.announce(ctx, noRow.id)
}

func (s redisFacts) invalidate(ctx context.Context, id uuid.UUID, channel string) error {
	keys := []string{redisGenerationKey(id)}
	for _, kind := range token.Kinds() {
		keys = append(keys, redisFactsKey(factsKey{id: id, kind: kind}))
	}
	err := forgetScript.Run(ctx, s.redis, keys, channel, id.String()).Err()
	if err != nil {
		return fmt.Errorf("forget facts in Redis: %w", err)
	}
	return nil
}
