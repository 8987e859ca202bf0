package principal

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Channel is the Redis channel of changed users; a message is the row's id as text. A forged message can only cause reloads (T7).
const Channel = "auth:users:changed"

// generationLife exceeds the life of facts read under a generation.
const generationLife = 2 * MaxFactsAge

// redisFacts keeps sealed facts in Redis, one entry per user and token kind, and one random generation per user. Every invalidation deletes
// the generation. Facts are stored only if the generation is unchanged since before their reading (T5). Generations are never reused.
type redisFacts struct{ redis redis.UniversalClient }

// The hash tag keeps a user's three keys in one cluster slot.
func redisFactsKey(whose factsKey) string {
	return "auth:facts:{" + whose.id.String() + "}:" + string(whose.kind)
}
func redisGenerationKey(id uuid.UUID) string { return "auth:facts:{" + id.String() + "}:generation" }

// found is a Redis look-up: sealed is empty without facts, left is their remaining life (negative: unknown).
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

// look reads the sealed facts, and creates a generation where none exists.
func (s redisFacts) look(ctx context.Context, whose factsKey) (found, error) {
	answer, err := lookScript.Run(ctx, s.redis, []string{redisFactsKey(whose), redisGenerationKey(whose.id)},
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

// put stores sealed facts for life, unless the generation has changed.
func (s redisFacts) put(ctx context.Context, whose factsKey, generation string, sealed []byte, life time.Duration) (left bool, err error) {
	n, err := putScript.Run(ctx, s.redis, []string{redisFactsKey(whose), redisGenerationKey(whose.id)},
		generation, sealed, life.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("leave facts in Redis: %w", err)
	}
	return n == 1, nil
}

// forgetScript only deletes, so a Redis out of memory accepts it. Where DEL is refused (a replica), it still publishes, then returns the
// error.
var forgetScript = redis.NewScript(`
local deleted = redis.pcall('DEL', unpack(KEYS))
if ARGV[1] ~= '' then
	redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return deleted`)

// forget deletes a user's facts and generation, so that readings under way store nothing.
func (s redisFacts) forget(ctx context.Context, id uuid.UUID) error { return s.invalidate(ctx, id, "") }

// announce forgets and publishes the change.
func (s redisFacts) announce(ctx context.Context, id uuid.UUID) error {
	return s.invalidate(ctx, id, Channel)
}

// probe runs every script once for the nil id.
func (s redisFacts) probe(ctx context.Context) error {
	noRow := factsKey{id: uuid.Nil, kind: kinds[0]}
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
	for _, kind := range kinds {
		keys = append(keys, redisFactsKey(factsKey{id: id, kind: kind}))
	}
	err := forgetScript.Run(ctx, s.redis, keys, channel, id.String()).Err()
	if err != nil {
		return fmt.Errorf("forget facts in Redis: %w", err)
	}
	return nil
}
