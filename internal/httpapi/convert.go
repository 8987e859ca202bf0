package httpapi

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func fromAPIRegister(ctx context.Context, in api.RegisterInput) account.Registration {
	return account.Registration{
		Email: in.Email, Password: in.Password, DisplayName: orEmpty(in.DisplayName), Client: client(ctx),
	}
}

func fromAPILogin(ctx context.Context, in api.LoginInput) account.Credentials {
	return account.Credentials{Email: in.Email, Password: in.Password, Client: client(ctx)}
}

func fromAPIDelete(in *api.DeleteMeInput) (currentPassword string) {
	if in == nil {
		return ""
	}
	return orEmpty(in.CurrentPassword)
}

func toAPIDone(message string) api.DoneJSONResponse {
	return api.DoneJSONResponse{Success: true, Message: message}
}

func toAPISession(s account.Session, message string) api.SignedInJSONResponse {
	return api.SignedInJSONResponse{Success: true, Message: message, Data: api.Session{
		UID:          cmp.Or(s.Claims.Subject, s.User.FirebaseUID, s.User.ID.String()),
		Email:        orNull(s.User.Email),
		DisplayName:  orNull(displayName(s)),
		IDToken:      s.Tokens.IDToken,
		RefreshToken: s.Tokens.RefreshToken,
		ExpiresIn:    seconds(s.Tokens.ExpiresIn),
		Kind:         api.TokenKind(s.Tokens.Kind),
		User:         toAPIMe(s.User),
	}}
}

func displayName(s account.Session) string {
	if s.Claims.Kind == token.KindFirebase {
		return s.Claims.Name
	}
	return s.User.Username
}

func toAPILegacySession(s account.Session, message string) api.LegacySignedInJSONResponse {
	return api.LegacySignedInJSONResponse{
		Success: true, Message: message, User: toAPILegacyUser(s.User),
		AccessToken: s.Tokens.IDToken, RefreshToken: s.Tokens.RefreshToken,
	}
}

func toAPILegacyUserFound(u user.User) api.LegacyUserFoundJSONResponse {
	return api.LegacyUserFoundJSONResponse{Success: true, User: toAPILegacyUser(u)}
}

func toAPILegacyUser(u user.User) api.LegacyUser {
	return api.LegacyUser{
		ID:           u.ID,
		Email:        orNull(u.Email),
		Username:     orNull(u.Username),
		UserType:     u.Type,
		TokenBalance: u.TokenBalance,
		IsActive:     u.IsActive,
		LastLogin:    inUTC(u.LastLogin),
		CreatedAt:    inUTC(u.CreatedAt),
		UpdatedAt:    inUTC(u.UpdatedAt),
	}
}

func toAPISessions(sessions []session.Session, current uuid.UUID) api.SessionsJSONResponse {
	out := api.SessionsJSONResponse{Success: true, Message: "Sessions retrieved successfully"}
	out.Data.Sessions = []api.LegacySession{}
	for _, s := range sessions {
		out.Data.Sessions = append(out.Data.Sessions, api.LegacySession{
			ID: s.ID, BeganAt: s.BeganAt.UTC(), LastUsedAt: s.LastUsedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
			UserAgent: orNull(s.UserAgent), Current: s.ID == current,
		})
	}
	return out
}

func fromAPIRollout(in api.RolloutChange) rollout.Change {
	return rollout.Change{
		UsersPercent: &in.UsersPercent, TrafficPercent: &in.TrafficPercent, NewUsers: new(string(in.NewUsers)),
		Allow: &in.Allow, Deny: &in.Deny, BelowFullTraffic: &in.BelowFullTraffic,
		Revision: &in.Revision,
	}
}

func toAPIRollout(r rollout.Record, message string) api.RolloutRecordJSONResponse {
	out := api.RolloutRecordJSONResponse{Success: true, Message: message}
	out.Data.Rollout = api.Rollout{
		Revision: r.Revision, UsersPercent: r.UsersPercent(), TrafficPercent: r.TrafficPercent(), NewUsers: api.UserHome(r.NewUsers),
		Allow: r.Allow, Deny: r.Deny, BelowFullTraffic: r.BelowFullTraffic, UpdatedAt: r.UpdatedAt.UTC(), UpdatedBy: r.UpdatedBy,
	}
	return out
}

func toAPIBalanceChanged(c balance.Change, changed balance.Changed) api.TokenBalanceChangedJSONResponse {
	out := api.TokenBalanceChangedJSONResponse{Body: api.TokenBalanceChangedEnvelope{
		Success: true, Message: "Balance changed",
		Data: api.TokenBalanceChange{UserID: c.UserID, Amount: c.Amount, Reason: c.Reason, TokenBalance: int(changed.Balance)},
	}}
	if changed.Replayed {
		out.Headers.IdempotentReplayed = new(true)
	}
	return out
}

func toAPILedger(page balance.Page) api.TokenBalanceEntriesJSONResponse {
	out := api.TokenBalanceEntriesJSONResponse{Success: true, Message: "Ledger retrieved successfully"}
	out.Data.Entries = []api.TokenBalanceEntry{}
	for _, e := range page.Entries {
		out.Data.Entries = append(out.Data.Entries, api.TokenBalanceEntry{
			ID: e.ID, Kind: api.TokenBalanceEntryKind(e.Kind), Amount: e.Amount, BalanceAfter: int(e.BalanceAfter), Reason: e.Reason,
			Caller: e.Caller, IdempotencyKey: e.Key, OccurredAt: e.OccurredAt.UTC(),
		})
	}
	out.Data.NextCursor = orNull(page.Next)
	return out
}

func toAPITokens(t account.Tokens) api.TokensEnvelope {
	return api.TokensEnvelope{Success: true, Message: "Token refreshed", Data: api.Tokens{
		IDToken:      t.IDToken,
		RefreshToken: t.RefreshToken,
		ExpiresIn:    seconds(t.ExpiresIn),
		Kind:         api.TokenKind(t.Kind),
	}}
}

func toAPIProfile(u user.User, message string) api.ProfileJSONResponse {
	out := api.ProfileJSONResponse{Success: true, Message: message}
	out.Data.User = toAPIMe(u)
	return out
}

func toAPIMe(u user.User) api.Me {
	return api.Me{
		ID:           u.ID,
		FirebaseUID:  orNull(u.FirebaseUID),
		Email:        orNull(u.Email),
		Username:     orNull(u.Username),
		UserType:     u.Type,
		IsActive:     u.IsActive,
		TokenBalance: u.TokenBalance,
		AuthProvider: api.AuthProvider(u.AuthProvider),
		LastLogin:    inUTC(u.LastLogin),
		CreatedAt:    inUTC(u.CreatedAt),
	}
}

func toAPIUser(u user.User) api.User {
	return api.User{
		ID:           u.ID,
		FirebaseUID:  orNull(u.FirebaseUID),
		Email:        orNull(u.Email),
		Username:     orNull(u.Username),
		UserType:     u.Type,
		IsActive:     u.IsActive,
		TokenBalance: u.TokenBalance,
	}
}

func toAPIVerified(p principal.Principal) api.VerifyTokenEnvelope {
	out := api.VerifyTokenEnvelope{Success: true, Message: "Token verified successfully"}
	out.Data.User = toAPIUser(p.User)
	out.Data.Token = api.VerifiedToken{
		Kind: api.TokenKind(p.Claims.Kind), IssuedAt: p.Claims.IssuedAt.UTC(), ExpiresAt: p.Claims.ExpiresAt.UTC(),
	}
	return out
}

func toAPIForward(p principal.Principal) api.Forward200ResponseHeaders {
	return api.Forward200ResponseHeaders{
		XUserID:           p.User.ID.String(),
		XUserEmail:        headerValue(p.User.Email),
		XUserUsername:     headerValue(p.User.Username),
		XUserType:         headerValue(p.User.Type),
		XUserTokenBalance: strconv.FormatInt(int64(p.User.TokenBalance), 10),
		XAuthKind:         api.TokenKind(p.Claims.Kind),
	}
}

func toAPIHealth(results []probed, version string) api.HealthEnvelope {
	out := api.HealthEnvelope{Success: true, Message: "Ready to serve"}
	out.Data = api.Health{Status: api.HealthStatusOk, Version: version, Checks: []api.HealthCheck{}}
	for _, r := range results {
		check := api.HealthCheck{Name: api.HealthCheckName(r.Name), Required: r.Required, Status: api.HealthCheckStatusOk, Message: nil}
		if r.err != nil {
			check.Status, check.Message = api.HealthCheckStatusFailing, new("is failing")
			out.Data.Status = api.HealthStatusDegraded
		}
		out.Data.Checks = append(out.Data.Checks, check)
	}
	return out
}

// headerValue percent-encodes what does not fit a header (RFC 9110 section 5.5), "%", and blanks at the edges, which recipients drop.
func headerValue(text string) string {
	inner := strings.Trim(text, " ")
	if inner == text && !strings.ContainsFunc(text, isEncoded) {
		return text
	}
	begin := strings.Index(text, inner)
	var out strings.Builder
	for i, r := range text {
		if isEncoded(r) || i < begin || i >= begin+len(inner) {
			out.WriteString(url.PathEscape(string(r)))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func isEncoded(r rune) bool { return r < ' ' || r > '~' || r == '%' }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// toAPISchemaHealth omits definitions and foreign grants: the endpoint is public.
func toAPISchemaHealth(r schema.Report) api.SchemaHealthEnvelope {
	out := api.SchemaHealthEnvelope{Success: true, Message: schemaMessages[r.State], Data: api.SchemaHealth{
		State: api.SchemaHealthState(r.State), Applied: "", Pending: r.Pending, Newer: r.Newer,
		Fingerprint: r.Fingerprint, ExpectedFingerprint: r.ExpectedFingerprint, Differences: []api.SchemaDifference{},
	}}
	if n := len(r.Applied); n > 0 {
		out.Data.Applied = r.Applied[n-1]
	}
	for _, d := range r.Differences {
		if d.Kind == "grant" && d.Change == schema.Extra {
			continue // reveals role names
		}
		out.Data.Differences = append(out.Data.Differences, api.SchemaDifference{
			Change: api.SchemaDifferenceChange(d.Change), Kind: d.Kind, Name: d.Name,
		})
	}
	return out
}

var schemaMessages = map[schema.State]string{
	schema.InStep:  "The schema is exactly what the migrations produce",
	schema.Extras:  "The schema is what the migrations produce, with more beside",
	schema.Ahead:   "A newer release has migrated the schema",
	schema.Pending: "Migrations are pending",
	schema.Drifted: "The schema differs from the migrations",
}
