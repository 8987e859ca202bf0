package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// intent is a change that any number of requests makes once.
type intent struct {
	name   string
	amount int64
	body   string
	id     uuid.UUID

	sync.Mutex
	answers map[int]int // by status
	balance map[int]bool
	made    int // not replayed
}

// newIntents returns slightly larger debits than credits, so some are refused.
func newIntents(id uuid.UUID, n int) []*intent {
	out := make([]*intent, n)
	for i := range out {
		amount := rand.Int64N(100) + 1
		if i%2 == 0 {
			amount = -amount - 5
		}
		out[i] = &intent{
			name: fmt.Sprintf("change-%d", i), amount: amount, body: fmt.Sprintf(`{"amount":%d,"reason":"change %d"}`, amount, i), id: id,
			answers: map[int]int{}, balance: map[int]bool{},
		}
	}
	return out
}

func (c *intent) note(answer reply, balance int) (decided bool) {
	c.Lock()
	defer c.Unlock()
	c.answers[answer.status]++
	if answer.status == http.StatusOK {
		c.balance[balance] = true
		if answer.header.Get("Idempotent-Replayed") == "" {
			c.made++
		}
	}
	return answer.status != 0 && answer.status != http.StatusServiceUnavailable
}

func (c *intent) insist(t *testing.T, ask func() reply) reply {
	t.Helper()
	for range 100 {
		if answer := ask(); c.note(answer, balanceOf(answer)) {
			return answer
		}
	}
	t.Errorf("%s was not answered in 100 tries: %v", c.name, c.answers)
	return reply{header: http.Header{}}
}

func inCrowds(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// expectLedger expects one entry for each applied intent, none for a refused one.
func expectLedger(t *testing.T, s *servicetest.Stack, id uuid.UUID, intents []*intent, caller string) (applied, refused int) {
	t.Helper()
	expectBalanced(t, s, "the storm")
	entered := map[string]int64{}
	rows, err := s.DB.Query(t.Context(), "SELECT idempotency_key, amount FROM auth.ledger_entries WHERE user_id = $1 AND kind = 'change' AND caller = $2", id, caller)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var amount int64
		if err := rows.Scan(&name, &amount); err != nil {
			t.Fatal(err)
		}
		if _, twice := entered[name]; twice {
			t.Errorf("W2: %s is entered twice", name)
		}
		entered[name] = amount
	}
	for _, c := range intents {
		amount, there := entered[c.name]
		switch {
		case there && (amount != c.amount || len(c.balance) != 1 || c.made > 1):
			t.Errorf("W2: %s of %d is entered with %d, was answered with the balances %v and made %d times", c.name, c.amount, amount, c.balance, c.made)
		case !there && (c.answers[http.StatusOK] > 0 || c.answers[http.StatusConflict] == 0):
			t.Errorf("W2: %s is not entered, and was answered %v", c.name, c.answers)
		}
		if applied++; !there {
			applied--
			refused++
		}
	}
	if len(entered) != applied {
		t.Errorf("W3: %d changes are entered, expected %d", len(entered), applied)
	}
	if n := count(t, s, "auth.ledger_entries WHERE balance_after < 0"); n != 0 {
		t.Errorf("W1: %d entries led below zero", n)
	}
	return applied, refused
}

func TestBalance_TwoThousandAtOnce_W1_W2_W3(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
	whole, key := newKey(t, stack, apikey.Balance)
	id := holder(t, stack, 100)
	intents := newIntents(id, 2_000)
	var sent []*intent
	for i, c := range intents {
		for range i%3 + 1 {
			sent = append(sent, c)
		}
	}
	rand.Shuffle(len(sent)-1000, func(i, j int) { sent[i], sent[j] = sent[j], sent[i] }) // the last 1,000 keep repetitions side by side
	inCrowds(len(sent), func(i int) {
		c := sent[i]
		c.insist(t, func() reply { return attempt(t.Context(), instances[rand.IntN(2)], whole, id, c.name, c.body) })
	})
	applied, refused := expectLedger(t, stack, id, intents, "key:"+key.ID)
	t.Logf("%d requests for 2000 changes: %d applied, %d refused for want of balance", len(sent), applied, refused)
	if applied == 0 || refused == 0 {
		t.Error("nothing was applied or nothing refused: this shows little")
	}
}

// W2: clients repeat unanswered requests after kill -9.
func TestBalance_KilledInTheMiddle_W2(t *testing.T) {
	t.Parallel()
	const kills, each = 3, 250
	binary, stack := programs.Authd(t), servicetest.NewStack(t)
	whole, key := newKey(t, stack, apikey.Balance)
	id := holder(t, stack, 100)
	intents := newIntents(id, kills*each)
	var cut, replayed atomic.Int64
	for round := range kills {
		victim := launch(t, binary, stack, nil)
		at := stack.Reach(t, victim.awaitReady(t))
		part := intents[round*each : (round+1)*each]
		var answered atomic.Int64
		inCrowds(len(part), func(i int) {
			answer := attempt(t.Context(), at, whole, id, part[i].name, part[i].body)
			if !part[i].note(answer, balanceOf(answer)) {
				cut.Add(1)
			}
			if answered.Add(1) == each/3 {
				victim.kill(t)
			}
		})
	}
	s := stack.Start(t)
	inCrowds(len(intents), func(i int) { // all of them, also the answered ones
		c := intents[i]
		answer := c.insist(t, func() reply { return attempt(t.Context(), s, whole, id, c.name, c.body) })
		if c.made == 0 && answer.header.Get("Idempotent-Replayed") != "" {
			replayed.Add(1)
		}
	})
	applied, refused := expectLedger(t, stack, id, intents, "key:"+key.ID)
	t.Logf("%d kills cut %d of %d requests off; %d of these had been applied; in the end %d are, and %d refused", kills, cut.Load(), len(intents), replayed.Load(), applied, refused)
	if cut.Load() == 0 {
		t.Error("no request was cut off: this shows nothing")
	}
}
