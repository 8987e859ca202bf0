package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

func refreshBody(t testing.TB, token string) string {
	t.Helper()
	return jsonOf(t, map[string]string{"refreshToken": token})
}

func TestLegacyRefresh_AHundredAtOnceGetOneSuccessor_A5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
	email := servicetest.Email()
	localUser(t, stack, email, servicetest.Password)
	first := legacyLogin(t, instances[0], email, servicetest.Password)
	var successors sync.Map
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			path := []string{"/api/v1/auth/refresh", "/auth/refresh"}[i%2]
			pair := pairOf(t, ask(t, instances[i/2%2], "POST", path, refreshBody(t, first.RefreshToken)), 200)
			successors.Store(pair.RefreshToken, pair.AccessToken)
		})
	}
	all.Wait()
	var different []string
	successors.Range(func(refresh, access any) bool {
		different = append(different, refresh.(string))
		expectUser(t, instances[1], "an access token of a successor", access.(string))
		return true
	})
	if len(different) != 1 {
		t.Fatalf("A5: %d successors, expected one", len(different))
	}
	expectUser(t, instances[0], "the first access token", first.AccessToken)
	pairOf(t, ask(t, instances[0], "POST", "/auth/refresh", refreshBody(t, different[0])), 200)
}

func TestLegacyRefresh_AReplayEndsTheSession_A5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t), stack.Start(t)
	email := servicetest.Email()
	id := localUser(t, stack, email, servicetest.Password)
	stays := legacyLogin(t, s, email, servicetest.Password)
	first := legacyLogin(t, s, email, servicetest.Password)
	second := pairOf(t, ask(t, s, "POST", "/auth/refresh", refreshBody(t, first.RefreshToken)), 200)
	expectUser(t, other, "before", second.AccessToken)
	again := pairOf(t, ask(t, other, "POST", "/auth/refresh", refreshBody(t, first.RefreshToken)), 200)
	if again.RefreshToken != second.RefreshToken {
		t.Error("A5: within the grace another successor was answered")
	}
	execute(t, stack, "UPDATE auth.legacy_sessions SET rotated_at = rotated_at - interval '31 seconds'")
	ask(t, s, "POST", "/auth/refresh", refreshBody(t, first.RefreshToken)).expect(t, "a replay after 31 s", 401, "token_revoked")
	for _, instance := range []*servicetest.Service{s, other} {
		waitFor(t, time.Second, "T5: the session's access token is refused", func() bool {
			status, code, _ := instance.Verify(t, second.AccessToken)
			return status == 401 && code == "token_revoked"
		})
	}
	for what, token := range map[string]string{"the current token": second.RefreshToken, "the replayed one": first.RefreshToken} {
		ask(t, s, "POST", "/auth/refresh", refreshBody(t, token)).expect(t, what, 401, "token_revoked")
	}
	expectUser(t, s, "another session of the same person", stays.AccessToken)
	pairOf(t, ask(t, s, "POST", "/auth/refresh", refreshBody(t, stays.RefreshToken)), 200)
	if n := count(t, stack, "auth.audit_events WHERE action = 'session.refresh_token_reused' AND user_id = $1", id); n != 1 {
		t.Errorf("A5: %d events say that a token was reused, expected one", n)
	}
}

// The old service's refresh tokens name no session.
func TestLegacyRefresh_TheOldServicesSessionsGoOn_A5(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	now := time.Now().Unix()
	old := hs256(t, refreshSecret, map[string]any{"id": id.String(), "iat": now - 86400, "exp": now + 6*86400})
	first := pairOf(t, ask(t, s, "POST", "/auth/refresh", refreshBody(t, old)), 200)
	expectUser(t, s, "the successor", first.AccessToken)
	if again := pairOf(t, ask(t, s, "POST", "/auth/refresh", refreshBody(t, old)), 200); again.RefreshToken != first.RefreshToken {
		t.Error("A5: the old token was exchanged twice")
	}
	execute(t, s.Stack, "UPDATE auth.legacy_sessions SET rotated_at = rotated_at - interval '31 seconds'")
	ask(t, s, "POST", "/auth/refresh", refreshBody(t, old)).expect(t, "the old token after the grace", 401, "token_revoked")
	ask(t, s, "POST", "/auth/refresh", refreshBody(t, first.RefreshToken)).expect(t, "its successor", 401, "token_revoked")
	// T4: the session keeps its old iat, so an earlier revocation ends it.
	revoked := localUser(t, s.Stack, servicetest.Email(), servicetest.Password, map[string]any{"tokens_valid_after": time.Now().Add(-time.Hour)})
	earlier := hs256(t, refreshSecret, map[string]any{"id": revoked.String(), "iat": now - 86400, "exp": now + 6*86400})
	ask(t, s, "POST", "/auth/refresh", refreshBody(t, earlier)).expect(t, "a session from before a revocation", 401, "token_revoked")
}

func TestLegacyRefresh_Refuses(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	other := localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	pair := legacyLogin(t, s, email, servicetest.Password)
	now := time.Now().Unix()
	old := func(changes map[string]any) map[string]any {
		return oldAccess(id, email, map[string]any{"email": nil, "user_type": nil, "exp": now + 86400}, changes)
	}
	mine := payloadOf(t, pair.RefreshToken)
	with := func(name string, value any) map[string]any {
		changed := map[string]any{}
		for k, v := range mine {
			changed[k] = v
		}
		changed[name] = value
		return changed
	}
	for what, bad := range map[string]struct {
		token, code string
	}{
		"an access token":              {pair.AccessToken, "token_invalid"},
		"signed by the access secret":  {hs256(t, accessSecret, old(nil)), "token_invalid"},
		"signed by nothing":            {hs256(t, "", old(nil)), "token_invalid"},
		"without exp":                  {hs256(t, refreshSecret, old(map[string]any{"exp": nil})), "token_invalid"},
		"of ten years":                 {hs256(t, refreshSecret, old(map[string]any{"exp": now + 10*365*86400})), "token_invalid"},
		"expired":                      {hs256(t, refreshSecret, old(map[string]any{"iat": now - 7200, "exp": now - 3600})), "token_expired"},
		"of nobody":                    {hs256(t, refreshSecret, old(map[string]any{"id": uuid.NewString()})), "token_revoked"},
		"with an injected id":          {hs256(t, refreshSecret, old(map[string]any{"id": "' OR '1'='1"})), "token_invalid"},
		"of another's session":         {hs256(t, refreshSecret, with("id", other.String())), "token_invalid"},
		"of a generation never issued": {hs256(t, refreshSecret, with("jti", "1.AAAAAAAAAAAAAAAAAAAAAA")), "token_invalid"},
		"of an unknown session":        {hs256(t, refreshSecret, with("sid", uuid.NewString())), "token_revoked"},
		"of no session's name":         {hs256(t, refreshSecret, with("sid", "x")), "token_invalid"},
	} {
		ask(t, s, "POST", "/auth/refresh", refreshBody(t, bad.token)).expect(t, what, 401, bad.code)
		ask(t, s, "POST", "/v1/auth/refresh", refreshBody(t, bad.token)).expect(t, what+" at /v1", 401, bad.code)
	}
	pairOf(t, ask(t, s, "POST", "/auth/refresh", refreshBody(t, pair.RefreshToken)), 200)
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", id)
	ask(t, s, "POST", "/auth/refresh", refreshBody(t, pair.RefreshToken)).expect(t, "of a deactivated person", 403, "account_deactivated")
}

func TestSessions_ListedAndEnded_T5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t), stack.Start(t)
	email := servicetest.Email()
	localUser(t, stack, email, servicetest.Password)
	phone := pairOf(t, ask(t, s, "POST", "/auth/login", registerBody(t, email, servicetest.Password), "User-Agent", "Phone/1.0"), 200)
	laptop := newLogin(t, s, email, servicetest.Password)
	list := func(token string) (found []session) {
		t.Helper()
		answer := askAs(t, s, http.MethodGet, "/v1/auth/me/sessions", "", token)
		answer.expect(t, "the list", 200, "")
		return sessionsIn(t, answer.body)
	}
	found := list(laptop.IDToken)
	if len(found) != 2 || !found[0].Current || found[1].Current || found[1].UserAgent == nil || *found[1].UserAgent != "Phone/1.0" {
		t.Fatalf("the list is %+v, expected the laptop's own first, and the phone's", found)
	}
	expectUser(t, other, "the phone, before", phone.AccessToken)
	askAs(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+found[1].ID, "", laptop.IDToken).expect(t, "ending the phone's", 200, "")
	waitFor(t, time.Second, "T5: the phone is out everywhere", func() bool {
		status, code, _ := other.Verify(t, phone.AccessToken)
		return status == 401 && code == "token_revoked"
	})
	ask(t, other, "POST", "/auth/refresh", refreshBody(t, phone.RefreshToken)).expect(t, "the phone's refresh", 401, "token_revoked")
	expectUser(t, other, "the laptop", laptop.IDToken)
	for what, id := range map[string]string{"once more": found[1].ID, "of nobody": uuid.NewString()} {
		askAs(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+id, "", laptop.IDToken).expect(t, "ending a session "+what, 404, "not_found")
	}
	askAs(t, s, http.MethodDelete, "/v1/auth/me/sessions/1", "", laptop.IDToken).expect(t, "ending nonsense", 400, "invalid_request")
	stranger := s.Person(t)
	askAs(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+found[0].ID, "", stranger.IDToken).expect(t, "ending another's", 404, "not_found")
	if left := list(laptop.IDToken); len(left) != 1 || left[0].ID != found[0].ID {
		t.Errorf("the list is %+v, expected the laptop's alone", left)
	}
	askAs(t, s, http.MethodPost, "/v1/auth/logout", "", laptop.IDToken).expect(t, "logout", 200, "")
	again := newLogin(t, s, email, servicetest.Password)
	if left := list(again.IDToken); len(left) != 1 {
		t.Errorf("T4: after a logout %d sessions are listed, expected the new one", len(left))
	}
}

// T1 holds for legacy tokens, too.
func TestLegacyTokens_Refused_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	now := time.Now().Unix()
	good := func(changes ...map[string]any) map[string]any { return oldAccess(id, email, changes...) }
	expectUser(t, s, "the old service's token", hs256(t, accessSecret, good()))
	firebase := map[string]any{
		"sub": newUID(), "iss": "https://securetoken.google.com/" + servicetest.ProjectID, "aud": servicetest.ProjectID,
		"auth_time": now, "iat": now, "exp": now + 3600, "email": email, "firebase": signedInWith("password"),
	}
	for what, bad := range map[string]struct {
		token, code string
	}{
		"under the refresh secret":         {hs256(t, refreshSecret, good()), "token_invalid"},
		"under the empty secret":           {hs256(t, "", good()), "token_invalid"},
		"under an old secret":              {hs256(t, "a secret that was replaced long ago", good()), "token_invalid"},
		"without exp":                      {hs256(t, accessSecret, good(map[string]any{"exp": nil})), "token_invalid"},
		"without iat":                      {hs256(t, accessSecret, good(map[string]any{"iat": nil})), "token_invalid"},
		"of ten years":                     {hs256(t, accessSecret, good(map[string]any{"exp": now + 10*365*86400})), "token_invalid"},
		"of 25 hours":                      {hs256(t, accessSecret, good(map[string]any{"exp": now + 25*3600})), "token_invalid"},
		"from the future":                  {hs256(t, accessSecret, good(map[string]any{"iat": now + 600, "exp": now + 3600})), "token_invalid"},
		"of nobody":                        {hs256(t, accessSecret, good(map[string]any{"id": uuid.NewString()})), "token_invalid"},
		"with an injected id":              {hs256(t, accessSecret, good(map[string]any{"id": "' OR '1'='1"})), "token_invalid"},
		"with an id in capitals":           {hs256(t, accessSecret, good(map[string]any{"id": fmt.Sprintf("%X", id[:])})), "token_invalid"},
		"of Firebase's claims":             {hs256(t, accessSecret, firebase), "token_invalid"},
		"of both families":                 {hs256(t, accessSecret, good(map[string]any{"sub": newUID()})), "token_invalid"},
		"that says it is RS256":            {hs256(t, accessSecret, good(), map[string]any{"alg": "RS256", "kid": "x"}), "token_invalid"},
		"that says it is HS512":            {hs256(t, accessSecret, good(), map[string]any{"alg": "HS512"}), "token_invalid"},
		"that says it is none":             {hs256(t, accessSecret, good(), map[string]any{"alg": "none"}), "token_invalid"},
		"that brings its key":              {hs256(t, accessSecret, good(), map[string]any{"jwk": map[string]any{"kty": "oct", "k": "YQ"}}), "token_invalid"},
		"expired":                          {hs256(t, accessSecret, good(map[string]any{"iat": now - 7200, "exp": now - 3600})), "token_expired"},
		"expired, and of another's secret": {hs256(t, refreshSecret, good(map[string]any{"iat": now - 7200, "exp": now - 3600})), "token_invalid"},
	} {
		expectRefusal(t, s, what, bad.token, 401, bad.code)
		askAs(t, s, http.MethodGet, "/v1/auth/me", "", bad.token).expect(t, "me with a token "+what, 401, bad.code)
		askAs(t, s, http.MethodGet, "/v1/auth/forward", "", bad.token).expect(t, "forward with a token "+what, 401, bad.code)
	}
	// T8: every service knows the secret, so it opens no admin route.
	execute(t, s.Stack, "UPDATE auth.users SET user_type = 'admin' WHERE id = $1", id)
	admin := hs256(t, accessSecret, good(map[string]any{"user_type": "admin"}))
	askAs(t, s, http.MethodGet, "/v1/auth/me", "", admin).expect(t, "me", 200, "")
	askAs(t, s, http.MethodGet, "/v1/admin/rollout", "", admin).expect(t, "an admin's operation", 403, "forbidden")
	// F10: a deleted user is not a new one.
	execute(t, s.Stack, "WITH gone AS (DELETE FROM auth.users WHERE id = $1 RETURNING id) INSERT INTO auth.tombstones (user_id, deleted_at) SELECT id, now() FROM gone", id)
	expectRefusal(t, s, "of a deleted person", hs256(t, accessSecret, good(map[string]any{"x": 1})), 401, "token_revoked")
}

func TestLegacyTokens_TwoCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	firebase, legacy := "Bearer "+s.Person(t).IDToken, "Bearer "+hs256(t, accessSecret, oldAccess(id, email))
	ask(t, s, "GET", "/v1/auth/me", "", "Authorization", firebase, "Authorization", legacy).expect(t, "two kinds", 400, "invalid_request")
	ask(t, s, "GET", "/auth/me", "", "Authorization", legacy, "Authorization", legacy).expect(t, "one twice", 400, "invalid_request")
}

func TestLegacyTokens_SecretsRotate_T8(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	email := servicetest.Email()
	id := localUser(t, stack, email, servicetest.Password)
	before := stack.Start(t)
	pair := legacyLogin(t, before, email, servicetest.Password)
	after := stack.Start(t, map[string]string{
		"JWT_ACCESS_SECRET": "a-new-access-secret-of-32-bytes!!", "JWT_ACCESS_SECRET_PREVIOUS": accessSecret,
		"JWT_REFRESH_SECRET": "a-new-refresh-secret-of-32-bytes!", "JWT_REFRESH_SECRET_PREVIOUS": refreshSecret,
	})
	expectUser(t, after, "a token of the secret before", pair.AccessToken)
	next := pairOf(t, ask(t, after, "POST", "/auth/refresh", refreshBody(t, pair.RefreshToken)), 200)
	expectUser(t, after, "a token of the new secret", next.AccessToken)
	expectRefusal(t, before, "a token of the new secret, where it is not known yet", next.AccessToken, 401, "token_invalid")
	expectUser(t, after, "the old service's", hs256(t, accessSecret, oldAccess(id, email)))
}
