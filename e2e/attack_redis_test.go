package e2e

import (
	"bufio"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/testkit/servicetest"
)

type attacker struct {
	*redis.Client
	t *testing.T
}

func newAttacker(t *testing.T, stack *servicetest.Stack) attacker {
	t.Helper()
	options, err := redis.ParseURL(stack.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return attacker{client, t}
}

// facts returns "" without an entry.
func (a attacker) facts(person victim) string {
	a.t.Helper()
	entry, err := a.Get(a.t.Context(), person.key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		a.t.Fatal(err)
	}
	return entry
}

func (a attacker) put(key, entry string) {
	a.t.Helper()
	if err := a.Set(a.t.Context(), key, entry, 0).Err(); err != nil {
		a.t.Fatal(err)
	}
}

type victim struct{ uid, id, token, key, entry string }

func tierReads(t *testing.T, s *servicetest.Service) map[string]int {
	t.Helper()
	response, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	found := map[string]int{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), `auth_facts_tier_total{operation="read",result="`)
		if !ok {
			continue
		}
		result, value, _ := strings.Cut(rest, `"} `)
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		found[result] = int(n)
	}
	return found
}

// victims returns people with facts that instance a has put into Redis and instance b must read again.
func victims(t *testing.T, attack attacker, a, b *servicetest.Service, n int) []victim {
	t.Helper()
	people := make([]victim, n)
	for i := range people {
		p := &people[i]
		p.uid = newUID()
		p.token = mint(t, a.Stack, claims(p.uid, servicetest.Email()))
		p.id = expectUser(t, b, "first sight", p.token).ID.String()
		p.key = "auth:facts:{" + p.id + "}:firebase"
		warm(t, a, p.token)
	}
	waitFor(t, 3*time.Minute, "a has read everybody again, and left it in Redis", func() bool {
		left := 0
		for i := range people {
			p := &people[i]
			warm(t, a, p.token)
			if p.entry == "" {
				p.entry = attack.facts(*p)
			}
			if p.entry != "" {
				left++
			}
		}
		return left == n
	})
	return people
}

// T7, E2: a forged entry is ignored and counted, and the row decides. An intact entry saves the database read.
func TestAttack_RedisDecidesNothing_T7(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	attack := newAttacker(t, a.Stack)
	kinds := []struct {
		name    string
		counted string
		bend    func(p, other victim)
	}{
		{"left alone", "hit", nil},
		{"forged", "forged", func(p, _ victim) { attack.put(p.key, `{"User":{"IsActive":true},"ReadMicro":9999999999999999}`) }},
		{"cut short", "forged", func(p, _ victim) { attack.put(p.key, p.entry[:len(p.entry)-3]) }},
		{"bent", "forged", func(p, _ victim) { attack.put(p.key, p.entry[:30]+string([]byte{p.entry[30] ^ 1})+p.entry[31:]) }},
		{"somebody else's", "forged", func(p, other victim) { attack.put(p.key, other.entry) }},
	}
	const each = 4
	people := victims(t, attack, a, b, each*len(kinds))
	for i, kind := range kinds {
		// looked reports whether b counted one entry of this kind, and found the right user each time.
		looked := func(people []victim) (counted bool) {
			for j, p := range people {
				if kind.bend != nil {
					kind.bend(p, people[(j+1)%len(people)])
				}
				before := tierReads(t, b)
				user := ""
				queries := b.Queries.During(func() { user = expectUser(t, b, "T7: "+kind.name, p.token).ID.String() })
				after := tierReads(t, b)
				hit, grew := after["hit"] > before["hit"], after[kind.counted] > before[kind.counted]
				if user != p.id {
					t.Errorf("T7: %s: the token of %s is taken for %s", kind.name, p.id, user)
				}
				if asked := slices.Equal(queries, []string{"UsersByIDs"}); asked == hit || kind.bend != nil && hit {
					t.Errorf("T7, E2: %s: asked %v, hit: %v", kind.name, queries, hit)
				}
				counted = counted || grew
			}
			return counted
		}
		counted := looked(people[i*each : (i+1)*each])
		// On a busy machine, reads time out, and Redis is not asked for a while.
		waitFor(t, 2*time.Minute, "T7: "+kind.name+": "+kind.counted+" grows", func() bool {
			counted = counted || looked(victims(t, attack, a, b, each))
			return counted
		})
	}
}

// T5, T7: entries put back after a revocation admit no request.
func TestAttack_RedisReplaysWhatWasTakenAway_T7(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	attack := newAttacker(t, a.Stack)
	people := victims(t, attack, a, b, 6)
	before := tierReads(t, b)
	for i, p := range people {
		if i%2 == 0 {
			logout(t, a, p.token)
		} else {
			execute(t, a.Stack, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", p.uid)
		}
	}
	codes := []string{"token_revoked", "account_deactivated"}
	for i, p := range people {
		refusedAs(t, b, time.Second, "T5: revoked", p.token, codes[i%2])
	}
	// The message makes the instances forget their facts.
	waitFor(t, 20*time.Second, "T7: replayed entries are looked at, not believed, and counted", func() bool {
		for _, p := range people {
			attack.put(p.key, p.entry)
		}
		if err := attack.Publish(t.Context(), principal.Channel, "everybody, please").Err(); err != nil {
			t.Fatal(err)
		}
		for i, p := range people {
			for _, s := range []*servicetest.Service{a, b} {
				if status, code, _ := s.Verify(t, p.token); code != codes[i%2] {
					t.Fatalf("T7: replayed after a revocation: %d %s", status, code)
				}
			}
		}
		now := tierReads(t, b)
		return now["overtaken"] > before["overtaken"] && now["expired"] > before["expired"]
	})
	t.Logf("T7: b's looks for facts: %v", tierReads(t, b))
}
