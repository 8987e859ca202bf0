package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// drawn lets the helpers fail a sequence, which rapid then shrinks.
type drawn struct {
	testing.TB
	rapid *rapid.T
}

func (d drawn) Helper()                        {}
func (d drawn) Context() context.Context       { return d.rapid.Context() }
func (d drawn) Logf(format string, a ...any)   { d.rapid.Logf(format, a...) }
func (d drawn) Error(a ...any)                 { d.rapid.Error(a...) }
func (d drawn) Errorf(format string, a ...any) { d.rapid.Errorf(format, a...) }
func (d drawn) Fatal(a ...any)                 { d.rapid.Fatal(a...) }
func (d drawn) Fatalf(format string, a ...any) { d.rapid.Fatalf(format, a...) }

// held is an issued token. renewable: its refresh token is valid, too.
type held struct {
	token, refresh, kind string
	counts, renewable    bool
}

// Answers are compared with this model of a user.
type somebody struct {
	id                   uuid.UUID
	email, password      string
	former               string // no longer valid
	hybrid               bool   // has a local hash
	behind               bool   // the hash is older than Firebase's password
	isActive             bool   // per operators
	shut                 bool   // disabled at Firebase, and synced
	disabledAtFirebase   bool   // maybe not synced
	gone                 bool
	tokens               []*held
	balance              int
	changes              map[string]int // amount by Idempotency-Key
	entries              int
	deactivated, revived int // audited
}

// play is one sequence: two users, an operator and Firebase.
type play struct {
	drawn
	stack     *servicetest.Stack
	instances []*servicetest.Service
	operator  string
	people    []*somebody
}

func (p *play) at() *servicetest.Service {
	return p.instances[rapid.IntRange(0, len(p.instances)-1).Draw(p.rapid, "instance")]
}

func (p *play) enter(hybrid bool) *somebody {
	who := &somebody{email: servicetest.Email(), password: servicetest.Password, hybrid: hybrid}
	p.register(who)
	return who
}

// register also follows a deletion; the user is then new.
func (p *play) register(who *somebody) {
	session := sessionOf(p, ask(p, p.at(), http.MethodPost, "/v1/auth/register", registerBody(p, who.email, who.password)), 201)
	if session.User.ID == who.id {
		p.Errorf("F10: a deleted account came back as %s", who.id)
	}
	for _, before := range who.tokens {
		before.counts, before.renewable = false, false
	}
	*who = somebody{
		id: session.User.ID, email: who.email, password: who.password, hybrid: who.hybrid, isActive: true, tokens: who.tokens,
		changes: map[string]int{},
	}
	if who.hybrid {
		execute(p, p.stack, "UPDATE auth.users SET auth_provider = 'hybrid', password_hash = $2, password_set_at = now() WHERE id = $1", who.id, hashOf(p, who.password))
	}
	who.tokens = append(who.tokens, &held{session.IDToken, session.RefreshToken, session.Kind, true, true})
}

func (s *somebody) end() {
	for _, t := range s.tokens {
		t.counts, t.renewable = false, false
	}
}

func (s *somebody) may() bool { return s.isActive && !s.shut && !s.gone }

func (p *play) some(who *somebody, such func(*held) bool) *held {
	all := slices.DeleteFunc(slices.Clone(who.tokens), func(t *held) bool { return !such(t) })
	if len(all) == 0 {
		return nil
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(p.rapid, "token")]
}

func counting(t *held) bool { return t.counts }

func (p *play) refused(rule string, answer reply) {
	if answer.status != http.StatusUnauthorized && answer.status != http.StatusForbidden {
		p.Errorf("%s: answered %d %s, expected a refusal", rule, answer.status, answer.body)
	}
}

func (p *play) followed(who *somebody) {
	eventually(p, "S3: Firebase has followed", func() bool {
		return count(p, p.stack, "auth.river_job WHERE args ->> 'user_id' = $1 AND state NOT IN ('completed', 'cancelled', 'discarded')", who.id.String()) == 0
	})
}

var acts = map[string]func(p *play, who *somebody){
	"sign in":                  (*play).signIn,
	"sign in as an old client": (*play).signInAsOldClient,
	"sign in with a former password": func(p *play, who *somebody) {
		if who.former != "" {
			p.refused("A7: a former password", ask(p, p.at(), http.MethodPost, "/v1/auth/login", registerBody(p, who.email, who.former)))
		}
	},
	"refresh":                (*play).refresh,
	"log out":                (*play).logOut,
	"change the password":    (*play).changePassword,
	"delete the account":     (*play).deleteAccount,
	"be credited or debited": (*play).changeBalance,
	"be deactivated":         (*play).beDeactivated,
	"be reactivated":         (*play).beReactivated,
	"have the sessions ended": func(p *play, who *somebody) {
		if !who.gone {
			p.operate(who, "revoke-tokens")
			who.end()
		}
	},
	"be brought in step": (*play).sync,
	"change the password at Firebase": func(p *play, who *somebody) {
		if !who.may() || who.disabledAtFirebase {
			return
		}
		next := "At-Firebase-" + uuid.NewString()
		nextMillisecond()
		if _, err := p.stack.Identity.PutUser(identity.User{UID: who.id.String(), Password: next}); err != nil {
			p.Fatal(err)
		}
		who.former, who.password, who.behind = who.password, next, who.hybrid
		for _, t := range who.tokens {
			t.renewable = t.renewable && t.kind == "legacy" // Firebase revokes its refresh tokens without notice
		}
	},
	"be disabled at Firebase": func(p *play, who *somebody) {
		if who.may() {
			p.stack.Identity.SetDisabled(who.id.String(), true)
			who.disabledAtFirebase = true
		}
	},
}

// nextMillisecond waits, because Firebase's times have milliseconds and would not order two passwords.
func nextMillisecond() {
	for last := time.Now().UnixMilli(); time.Now().UnixMilli() <= last+1; {
		runtime.Gosched()
	}
}

func (p *play) signIn(who *somebody) {
	answer := ask(p, p.at(), http.MethodPost, "/v1/auth/login", registerBody(p, who.email, who.password))
	if !who.may() || who.disabledAtFirebase {
		p.refused("F9: signing in", answer)
		return
	}
	session := sessionOf(p, answer, 200)
	p.welcome(who, &held{session.IDToken, session.RefreshToken, session.Kind, true, true})
}

func (p *play) signInAsOldClient(who *somebody) {
	answer := ask(p, p.at(), http.MethodPost, "/api/v1/auth/login", registerBody(p, who.email, who.password))
	if !who.may() || who.disabledAtFirebase {
		p.refused("F9: signing in as an old client", answer)
		return
	}
	pair := pairOf(p, answer, 200)
	p.welcome(who, &held{pair.AccessToken, pair.RefreshToken, "legacy", true, true})
}

// welcome records a sign-in. A password new to us ends earlier sessions (A7, T4).
func (p *play) welcome(who *somebody, t *held) {
	if who.behind {
		who.end()
		who.behind = false
	}
	who.tokens = append(who.tokens, t)
}

func (p *play) refresh(who *somebody) {
	t := p.some(who, func(t *held) bool { return t.renewable || !t.counts })
	if t == nil {
		return
	}
	answer := refresh(p, p.at(), "/v1/auth/refresh", t.refresh)
	if !t.renewable || !who.may() || who.disabledAtFirebase {
		p.refused("T4: refreshing", answer)
		return
	}
	next := renewed(p, answer)
	if t.kind == "legacy" { // single use; the session continues at Firebase (M9)
		t.renewable = false
	}
	who.tokens = append(who.tokens, &held{next.IDToken, next.RefreshToken, next.Kind, true, true})
}

func renewed(t testing.TB, answer reply) pair {
	t.Helper()
	var body struct{ Data pair }
	if err := json.Unmarshal(answer.body, &body); err != nil {
		t.Fatalf("%s: %v", answer.body, err)
	}
	if answer.status != 200 || body.Data.Kind != "firebase" {
		t.Fatalf("M9: refreshing answered %d %s, expected Firebase's pair", answer.status, answer.body)
	}
	return body.Data
}

func (p *play) logOut(who *somebody) {
	if t := p.some(who, counting); t != nil && who.may() {
		ask(p, p.at(), http.MethodPost, "/v1/auth/logout", "", authorized(t.token)...).expect(p, "logout", 200, "")
		who.end()
	}
}

func (p *play) changePassword(who *somebody) {
	t := p.some(who, counting)
	if t == nil || !who.may() || who.disabledAtFirebase {
		return
	}
	next := "Changed-" + uuid.NewString()
	changePassword(p, p.at(), t.token, who.password, next).expect(p, "S4: a change of the password", 200, "")
	who.former, who.password, who.behind = who.password, next, false
	who.end()
}

func (p *play) deleteAccount(who *somebody) {
	t := p.some(who, counting)
	if t == nil || !who.may() || who.disabledAtFirebase {
		return
	}
	body := jsonOf(p, map[string]string{"currentPassword": who.password})
	ask(p, p.at(), http.MethodDelete, "/v1/auth/me", body, authorized(t.token)...).expect(p, "A10: deleting", 200, "")
	who.gone = true
	who.end()
}

func (p *play) changeBalance(who *somebody) {
	if who.gone {
		return
	}
	amount := rapid.IntRange(-3, 5).Filter(func(n int) bool { return n != 0 }).Draw(p.rapid, "amount")
	key := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(p.rapid, "key")
	answer := ask(p, p.at(), http.MethodPost, balancePath(who.id), fmt.Sprintf(`{"amount":%d,"reason":"a play"}`, amount), keyHeader, p.operator, "Idempotency-Key", key)
	made, known := who.changes[key]
	switch {
	case known && made != amount:
		answer.expect(p, "W2: another change", 422, "idempotency_conflict")
	case known:
		answer.expect(p, "W2: the same change again", 200, "")
	case who.balance+amount < 0:
		answer.expect(p, "W1: a debit of too much", 409, "insufficient_balance")
	default:
		answer.expect(p, "a change", 200, "")
		who.balance, who.changes[key], who.entries = who.balance+amount, amount, who.entries+1
	}
}

func (p *play) operate(who *somebody, act string) {
	ask(p, p.at(), http.MethodPost, userPath(who.id)+"/"+act, "", keyHeader, p.operator).expect(p, act, 200, "")
}

func (p *play) beDeactivated(who *somebody) {
	if who.gone {
		return
	}
	p.operate(who, "deactivate")
	p.followed(who)
	if who.isActive {
		who.deactivated++
	}
	who.isActive = false
	who.end()
}

func (p *play) beReactivated(who *somebody) {
	if who.gone {
		return
	}
	p.operate(who, "reactivate")
	p.followed(who)
	if !who.may() {
		who.revived++
		who.disabledAtFirebase = false
	}
	who.isActive, who.shut = true, false
}

// sync learns of a disabled account or another password (S1, A7).
func (p *play) sync(who *somebody) {
	if who.gone {
		return
	}
	p.operate(who, "sync")
	if who.disabledAtFirebase && who.may() {
		who.shut = true
		who.end()
	}
	if who.behind {
		who.behind = false
		who.end()
	}
	p.followed(who)
}

// check requires agreement with the model within a second (T5).
func (p *play) check(who *somebody) {
	for _, t := range who.tokens[max(0, len(who.tokens)-5):] {
		for _, s := range p.instances {
			var status, balance int
			var code string
			fits := func() bool {
				answered, refusal, found := s.Verify(p, t.token)
				status, code, balance = answered, refusal, int(found.TokenBalance)
				switch {
				case t.counts && who.may():
					return status == 200 && found.ID == who.id && balance == who.balance
				case !who.gone && !who.may():
					return status == 403 && code == "account_deactivated" || status == 401 && code == "token_revoked"
				}
				return status == 401 && code == "token_revoked"
			}
			if !within(time.Second, fits) {
				p.Fatalf("T4, T5, F9: a %s token (counts: %t) of somebody (may: %t, gone: %t, balance %d) is answered %d %s, balance %d",
					t.kind, t.counts, who.may(), who.gone, who.balance, status, code, balance)
			}
		}
	}
}

func (p *play) settle(who *somebody) {
	if who.gone {
		return
	}
	p.followed(who)
	if rows := count(p, p.stack, "auth.users WHERE email = $1 OR firebase_uid = $2", who.email, who.id.String()); rows != 1 {
		p.Errorf("F1: %d rows of one person", rows)
	}
	var sum, entries int
	row := p.stack.DB.QueryRow(p.Context(), "SELECT coalesce(sum(amount), 0), count(*) FROM auth.ledger_entries WHERE user_id = $1", who.id)
	if err := row.Scan(&sum, &entries); err != nil || sum != who.balance || entries != who.entries {
		p.Errorf("W3: %d entries sum up to %d (%v), expected %d and %d", entries, sum, err, who.entries, who.balance)
	}
	for action, times := range map[string]int{"user.deactivated": who.deactivated, "user.reactivated": who.revived} {
		if n := count(p, p.stack, "auth.audit_events WHERE user_id = $1 AND action = $2", who.id, action); n != times {
			p.Errorf("O4: %d events %s, expected %d", n, action, times)
		}
	}
	account, found := p.stack.Identity.User(who.id.String())
	if !found || account.Disabled != (!who.may() || who.disabledAtFirebase) {
		p.Errorf("S3: at Firebase the account is there: %t, disabled: %t; here let in: %t, disabled there: %t", found, account.Disabled, who.may(), who.disabledAtFirebase)
	}
	for _, t := range who.tokens {
		if t.counts && t.renewable && t.kind == "firebase" && who.may() && !who.disabledAtFirebase {
			renewed(p, refresh(p, p.at(), "/v1/auth/refresh", t.refresh)) // S3: a revocation spares later sessions
		}
	}
}

func within(limit time.Duration, holds func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if holds() {
			return true
		}
		select {
		case <-deadline.C:
			return holds()
		case <-tick.C:
		}
	}
}
