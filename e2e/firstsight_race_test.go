package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

type answer struct {
	status int
	code   string
	user   client.User
}

func atOnce(t *testing.T, instances []*servicetest.Service, tokens []string) []answer {
	t.Helper()
	answers := make([]answer, len(tokens))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			<-start
			a := &answers[i]
			a.status, a.code, a.user = instances[i%len(instances)].Verify(t, token)
		})
	}
	close(start)
	all.Wait()
	return answers
}

func tally(answers []answer) map[string]int {
	out := map[string]int{}
	for _, a := range answers {
		out[fmt.Sprintf("%d%s", a.status, a.code)]++
	}
	return out
}

func twoInstances(t *testing.T, env ...map[string]string) (*servicetest.Stack, []*servicetest.Service) {
	t.Helper()
	stack := servicetest.NewStack(t)
	return stack, []*servicetest.Service{stack.Start(t, env...), stack.Start(t, env...)}
}

func TestFirstSight_ConcurrentRequestsMakeOneRow(t *testing.T) {
	stack, instances := twoInstances(t)
	uid, email := newUID(), servicetest.Email()
	tokens := make([]string, 300)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i % 30}))
	}
	answers := atOnce(t, instances, tokens)
	if got := tally(answers); got["200"] != 300 {
		t.Errorf("F1: 300 first sights of one uid were answered %v, expected 300 times 200", got)
	}
	if n := count(t, stack, "auth.users WHERE firebase_uid = $1", uid); n != 1 {
		t.Errorf("F1: %d rows, expected 1", n)
	}
	for _, a := range answers {
		if a.user.ID != answers[0].user.ID {
			t.Fatalf("F1: one uid was answered as %s and %s", a.user.ID, answers[0].user.ID)
		}
	}
}

func TestFirstSight_NamesakesAtOnceAllGetIn(t *testing.T) {
	stack, instances := twoInstances(t)
	tokens := make([]string, 100)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(newUID(), servicetest.Email(), map[string]any{"name": "Jane Doe"}))
	}
	if got := tally(atOnce(t, instances, tokens)); got["200"] != 100 {
		t.Errorf("F4: 100 namesakes were answered %v, expected 100 times 200", got)
	}
	if n := count(t, stack, "(SELECT DISTINCT username FROM auth.users WHERE username LIKE 'Jane Doe%') AS names"); n != 100 {
		t.Errorf("F4: %d different names, expected 100", n)
	}
	if n := count(t, stack, "auth.users WHERE username = 'Jane Doe'"); n != 1 {
		t.Errorf("F4: %d are called Jane Doe without a suffix, expected 1", n)
	}
}

func TestFirstSight_TwoUIDsRaceForOneLocalRow(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	for round := range 10 {
		email := servicetest.Email()
		id := legacyRow(t, stack, email)
		// Both accounts have other addresses at Firebase.
		winnerToBe, other := newUID(), newUID()
		for _, uid := range []string{winnerToBe, other} {
			putUser(t, stack, identity.User{UID: uid, Email: uid + "@moved.example"})
		}
		tokens := make([]string, 20)
		for i := range tokens {
			uid := winnerToBe
			if i%2 == 1 {
				uid = other
			}
			tokens[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i}))
		}
		answers := atOnce(t, instances, tokens)
		for _, a := range answers {
			if a.status >= http.StatusInternalServerError {
				t.Errorf("F3, round %d: answered %d %s", round, a.status, a.code)
			}
		}
		linked := rowOf(t, stack, "id = $1", id)
		if linked.FirebaseUID == nil || *linked.FirebaseUID != winnerToBe && *linked.FirebaseUID != other {
			t.Errorf("F3, round %d: the row is linked to %v", round, linked.FirebaseUID)
		}
		if n := count(t, stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.linked'", id); n != 1 {
			t.Errorf("F3, round %d: %d links were audited, expected 1", round, n)
		}
		for i, a := range answers {
			// The loser may get its own row, since the winner's address at Firebase is stored (F7).
			if a.status == http.StatusOK && a.user.ID == id && (i%2 == 0) != (*linked.FirebaseUID == winnerToBe) {
				t.Errorf("F3, round %d: the loser was answered the winner's row", round)
			}
		}
	}
}

func TestFirstSight_OneUIDLinksOnceHoweverManyAsk(t *testing.T) {
	stack, instances := twoInstances(t)
	email, uid := servicetest.Email(), newUID()
	id := legacyRow(t, stack, email)
	tokens := make([]string, 60)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i}))
	}
	answers := atOnce(t, instances, tokens)
	if got := tally(answers); got["200"] != 60 {
		t.Errorf("F3: answered %v, expected 60 times 200", got)
	}
	for _, a := range answers {
		if a.user.ID != id {
			t.Fatalf("F3: answered row %s, expected the linked row %s", a.user.ID, id)
		}
	}
	if n := count(t, stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.linked'", id); n != 1 {
		t.Errorf("F3: %d links were audited, expected 1", n)
	}
}

func TestFirstSight_GoneHolderIsRelinkedOnce(t *testing.T) {
	stack, instances := twoInstances(t)
	email, gone, uid := servicetest.Email(), newUID(), newUID()
	first := expectUser(t, instances[0], "the former holder", mint(t, stack, claims(gone, email)))
	tokens := make([]string, 60)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i}))
	}
	answers := atOnce(t, instances, tokens)
	if got := tally(answers); got["200"] != 60 {
		t.Errorf("F7: answered %v, expected 60 times 200", got)
	}
	for _, a := range answers {
		if a.user.ID != first.ID {
			t.Fatalf("F7: answered row %s, expected the relinked row %s", a.user.ID, first.ID)
		}
	}
	if n := count(t, stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.relinked'", first.ID); n != 1 {
		t.Errorf("F7: %d relinks were audited, expected 1", n)
	}
}

func TestFirstSight_MovedHolderIsStoredHoweverManyAsk(t *testing.T) {
	stack, instances := twoInstances(t)
	email, holder, uid := servicetest.Email(), newUID(), newUID()
	first := expectUser(t, instances[0], "the former holder", mint(t, stack, claims(holder, email)))
	moved := servicetest.Email()
	putUser(t, stack, identity.User{UID: holder, Email: moved})
	tokens := make([]string, 60)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i}))
	}
	if got := tally(atOnce(t, instances, tokens)); got["200"] != 60 {
		t.Errorf("F7: answered %v, expected 60 times 200", got)
	}
	if r := rowOf(t, stack, "id = $1", first.ID); r.Email != moved {
		t.Errorf("F7: the former holder's row has %s, expected %s", r.Email, moved)
	}
	if n := count(t, stack, "auth.users WHERE email = $1 AND firebase_uid = $2", email, uid); n != 1 {
		t.Errorf("F7: %d rows of the newcomer, expected 1", n)
	}
	if n := count(t, stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.email_changed'", first.ID); n != 1 {
		t.Errorf("F7: %d changes of address were audited, expected 1", n)
	}
}

func TestFirstSight_WhileADeletionRunsLeavesNoRow(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	for round := range 8 {
		person := instances[0].Person(t)
		tokens := []string{person.IDToken}
		for n := range 19 {
			// unverified: a first proof would end the deleting session
			tokens = append(tokens, mint(t, stack, claims(person.UID, *person.Email, map[string]any{"n": n, "email_verified": false})))
		}
		var deletion sync.WaitGroup
		deletion.Go(func() {
			answer, err := instances[1].API.DeleteMeWithResponse(t.Context(), client.DeleteMeInput{}, servicetest.Bearer(person.IDToken))
			if err != nil || answer.StatusCode() != http.StatusOK {
				t.Errorf("F10, round %d: delete: %v %s", round, err, answer.Body)
			}
		})
		for _, a := range atOnce(t, instances, tokens) {
			if a.status != http.StatusOK && a.code != "token_revoked" {
				t.Errorf("F10, round %d: answered %d %s during a deletion, expected 200 or token_revoked", round, a.status, a.code)
			}
		}
		deletion.Wait()
		if n := count(t, stack, "auth.users WHERE firebase_uid = $1", person.UID); n != 0 {
			t.Errorf("F10, round %d: %d rows after the deletion, expected none", round, n)
		}
		waitFor(t, time.Second, "T5: the deletion is known on both instances", func() bool {
			answers := atOnce(t, instances, tokens)
			return tally(answers)["401token_revoked"] == len(tokens)
		})
	}
}

func putUser(t testing.TB, stack *servicetest.Stack, u identity.User) {
	t.Helper()
	if _, err := stack.Identity.PutUser(u); err != nil {
		t.Fatalf("make an account at the identity provider: %v", err)
	}
}
