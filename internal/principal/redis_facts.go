package principal

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Channel is the Redis channel on which instances tell each other whose facts have changed. A message is the row's id in
// text. Redis decides nothing by it (T7): whoever writes there can only make us look again.
const Channel = "auth:users:changed"

// generationLife is how long a generation is remembered: longer than any facts that were read under it are believed.
const generationLife = 2 * MaxFactsAge

// facts is what instances keep in Redis of a person: sealed facts, one entry a kind of token, and a random generation, which
// every invalidation ends. Facts are left only while the generation is still the one from before their reading, so what an
// invalidation has overtaken is not left after it (T5). No generation is ever used twice: one that is gone makes the readings
// calls it leave nothing.
type redisFacts struct{ redis redis.UniversalClient }

// The three keys of a person lie in one slot of a cluster.
func redisFactsKey(whose factsKey) string {
	return "auth:facts:{" + whose.id.String() + "}:" + string(whose.kind)
}
func redisGenerationKey(id uuid.UUID) string { return "auth:facts:{" + id.String() + "}:generation" }

// found is what Redis holds for a person: sealed is nil where it holds no facts, and left is how long it will keep them
// (negative: it does not say).
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

// look reads what there is, and begins a generation where there is none.
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

// put keeps sealed facts for a while, unless the generation is another one by now.
func (s redisFacts) put(ctx context.Context, whose factsKey, generation string, sealed []byte, life time.Duration) (left bool, err error) {
	n, err := putScript.Run(ctx, s.redis, []string{redisFactsKey(whose), redisGenerationKey(whose.id)},
		generation, sealed, life.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("leave facts in Redis: %w", err)
	}
	return n == 1, nil
}

// forgetScript writes nothing, so that a Redis without memory to spare obeys, too. One that refuses to delete (a replica, a
// primary without its replicas) still publishes the change, and then gives its refusal.
var forgetScript = redis.NewScript(`
local deleted = redis.pcall('DEL', unpack(KEYS))
if ARGV[1] ~= '' then
	redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return deleted`)

// forget takes away what is known of a person, and makes readings that are under way leave nothing.
func (s redisFacts) forget(ctx context.Context, id uuid.UUID) error { return s.invalidate(ctx, id, "") }

// announce forgets, and tells every instance.
func (s redisFacts) announce(ctx context.Context, id uuid.UUID) error {
	return s.invalidate(ctx, id, Channel)
}

// probe runs every script once, for an id that no row has.
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
