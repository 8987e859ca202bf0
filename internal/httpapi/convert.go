package httpapi

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/user"
)

func fromAPIRegister(ctx context.Context, in api.RegisterRequest) account.Registration {
	out := account.Registration{Email: in.Email, Password: in.Password, Addr: clientAddr(ctx)}
	if in.DisplayName != nil {
		out.DisplayName = *in.DisplayName
	}
	return out
}

func fromAPILogin(ctx context.Context, in api.LoginRequest) account.Credentials {
	return account.Credentials{Email: in.Email, Password: in.Password, Addr: clientAddr(ctx)}
}

func fromAPIDelete(in *api.DeleteMeRequest) (currentPassword string) {
	if in == nil || in.CurrentPassword == nil {
		return ""
	}
	return *in.CurrentPassword
}

func toAPIDone(message string) api.DoneJSONResponse {
	return api.DoneJSONResponse{Success: true, Message: message}
}

func toAPISession(s account.Session, message string) api.SignedInJSONResponse {
	return api.SignedInJSONResponse{Success: true, Message: message, Data: api.Session{
		UID:          s.Claims.Subject,
		Email:        orNull(s.User.Email),
		DisplayName:  orNull(s.Claims.Name),
		IDToken:      s.Tokens.IDToken,
		RefreshToken: s.Tokens.RefreshToken,
		ExpiresIn:    seconds(s.Tokens.ExpiresIn),
		Kind:         api.TokenKind(s.Tokens.Kind),
		User:         toAPIMe(s.User),
	}}
}

func toAPITokens(t account.Tokens) api.TokensResponse {
	return api.TokensResponse{Success: true, Message: "Token refreshed", Data: api.Tokens{
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

func toAPIVerified(p principal.Principal) api.VerifyTokenResponse {
	out := api.VerifyTokenResponse{Success: true, Message: "Token verified successfully"}
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

func toAPIHealth(results []probed, version string) api.HealthResponse {
	out := api.HealthResponse{Success: true, Message: "Ready to serve"}
	out.Data = api.Health{Status: api.HealthStatusOk, Version: version, Checks: []api.HealthCheck{}}
	for _, r := range results {
		check := api.HealthCheck{Name: api.HealthCheckName(r.Name), Required: r.Required, Status: api.HealthCheckStatusOk}
		if r.err != nil {
			check.Status, check.Message = api.HealthCheckStatusFailing, new("is failing")
			out.Data.Status = api.HealthStatusDegraded
		}
		out.Data.Checks = append(out.Data.Checks, check)
	}
	return out
}

// headerValue makes text fit for a header (RFC 9110 section 5.5): printable ASCII but "%" as it is, all else percent-encoded UTF-8.
func headerValue(text string) string {
	plain := func(r rune) bool { return r < ' ' || r > '~' || r == '%' }
	if !strings.ContainsFunc(text, plain) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if plain(r) {
			out.WriteString(url.PathEscape(string(r)))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
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

// toAPISchemaHealth leaves definitions and grants to others out: they are the operators' business, and anybody may ask.
func toAPISchemaHealth(r schema.Report) api.SchemaHealthResponse {
	out := api.SchemaHealthResponse{Success: true, Message: schemaMessages[r.State], Data: api.SchemaHealth{
		State: api.SchemaHealthState(r.State), Pending: r.Pending, Newer: r.Newer,
		Fingerprint: r.Fingerprint, ExpectedFingerprint: r.ExpectedFingerprint, Differences: []api.SchemaDifference{},
	}}
	if n := len(r.Applied); n > 0 {
		out.Data.Applied = r.Applied[n-1]
	}
	for _, d := range r.Differences {
		if d.Kind == "grant" && d.Change == schema.Extra {
			continue // would tell strangers the names of the database's roles
		}
		out.Data.Differences = append(out.Data.Differences, api.SchemaDifference{
			Change: api.SchemaDifferenceChange(d.Change), Kind: d.Kind, Name: d.Name,
		})
	}
	return out
}

// schemaMessages are the states of a schema for people.
var schemaMessages = map[schema.State]string{
	schema.InStep:  "The schema is exactly what the migrations produce",
	schema.Extras:  "The schema is what the migrations produce, with more beside",
	schema.Ahead:   "A newer release has migrated the schema",
	schema.Pending: "Migrations are pending",
	schema.Drifted: "The schema differs from the migrations",
}
