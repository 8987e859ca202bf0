package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type legacyHandlers struct {
	accounts *account.Service
	users    *user.Store
	resolver *principal.Resolver
}

func (h legacyHandlers) LegacyRegister(
	ctx context.Context, in api.LegacyRegisterRequestObject,
) (api.LegacyRegisterResponseObject, error) {
	session, err := h.accounts.LegacyRegister(ctx, account.Registration{
		Email: in.Body.Email, Password: in.Body.Password, DisplayName: orEmpty(in.Body.Username), Client: client(ctx),
	})
	if err != nil {
		return nil, err
	}
	return api.LegacyRegister201JSONResponse{LegacySignedInJSONResponse: toAPILegacySession(session, "User registered successfully")}, nil
}

func (h legacyHandlers) LegacyLogin(ctx context.Context, in api.LegacyLoginRequestObject) (api.LegacyLoginResponseObject, error) {
	session, err := h.accounts.LegacyLogin(ctx, account.Credentials{
		Email: in.Body.Email, Password: in.Body.Password, Client: client(ctx),
	})
	if err != nil {
		return nil, err
	}
	return api.LegacyLogin200JSONResponse{LegacySignedInJSONResponse: toAPILegacySession(session, "Signed in successfully")}, nil
}

func (h legacyHandlers) LegacyRefresh(
	ctx context.Context, in api.LegacyRefreshRequestObject,
) (api.LegacyRefreshResponseObject, error) {
	tokens, err := h.accounts.LegacyRefresh(ctx, in.Body.RefreshToken, client(ctx))
	if err != nil {
		return nil, err
	}
	return api.LegacyRefresh200JSONResponse{LegacyPairJSONResponse: api.LegacyPairJSONResponse{
		Success: true, Message: "Token refreshed", AccessToken: tokens.IDToken, RefreshToken: tokens.RefreshToken,
	}}, nil
}

func (h legacyHandlers) LegacyLogout(
	ctx context.Context, _ api.LegacyLogoutRequestObject,
) (api.LegacyLogoutResponseObject, error) {
	if err := h.users.RevokeTokens(ctx, caller(ctx).User.ID, caller(ctx).Claims); err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.LegacyLogout200JSONResponse{DoneJSONResponse: toAPIDone("Signed out everywhere")}, nil
}

// errOfAnother refuses a valid token of another user.
var errOfAnother = token.ErrMalformed.With(errors.New("the token is another user's"))

func (h legacyHandlers) LegacyVerifyToken(
	ctx context.Context, in api.LegacyVerifyTokenRequestObject,
) (api.LegacyVerifyTokenResponseObject, error) {
	p, err := h.resolver.Resolve(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	if in.Body.UserID != nil && *in.Body.UserID != p.User.ID.String() {
		return nil, errOfAnother
	}
	return api.LegacyVerifyToken200JSONResponse{LegacyUserFoundJSONResponse: toAPILegacyUserFound(p.User)}, nil
}

func (h legacyHandlers) LegacyMe(ctx context.Context, _ api.LegacyMeRequestObject) (api.LegacyMeResponseObject, error) {
	u, err := h.users.ByID(ctx, caller(ctx).User.ID)
	if err != nil {
		return nil, goneIsRevoked(err)
	}
	return api.LegacyMe200JSONResponse{LegacyUserFoundJSONResponse: toAPILegacyUserFound(u)}, nil
}

// LegacySurface configures the old auth-service's endpoints. Zero Sunset: no date.
type LegacySurface struct {
	Off    bool
	Sunset time.Time
}

// deprecatedSince is when the legacy surface entered the contract.
var deprecatedSince = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// legacySurface sends Deprecation (RFC 9745) and Sunset (RFC 8594).
func legacySurface(o LegacySurface, metrics *telemetry.Metrics) func(http.Handler) http.Handler {
	deprecation := "@" + strconv.FormatInt(deprecatedSince.Unix(), 10)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !operationOf(r).legacy {
				next.ServeHTTP(w, r)
				return
			}
			if o.Off {
				writeError(w, r, errNoRoute)
				return
			}
			w.Header().Set("Deprecation", deprecation)
			if !o.Sunset.IsZero() {
				w.Header().Set("Sunset", o.Sunset.UTC().Format(http.TimeFormat))
			}
			next.ServeHTTP(w, r)
			if x := requestOf(r.Context()); x.written() < http.StatusBadRequest {
				metrics.LegacyRequest(x.routeOf(), r.UserAgent()) // refused requests add no names
			}
		})
	}
}

func legacyMembers(o *openapi3.Operation) (names []string) {
	if !isLegacy(o.Tags) || o.RequestBody == nil {
		return nil
	}
	for _, media := range o.RequestBody.Value.Content {
		names = slices.AppendSeq(names, maps.Keys(media.Schema.Value.Properties))
	}
	return names
}

// checkSpelling refuses members in other capitals: the validator skips them, but encoding/json reads them.
func checkSpelling(body []byte, members []string) error {
	var sent map[string]jsontext.Value
	if len(members) == 0 || json.Unmarshal(body, &sent) != nil {
		return nil //nolint:nilerr // the validator refuses non-objects
	}
	for name := range sent {
		for _, member := range members {
			if name != member && strings.EqualFold(name, member) {
				return fault.Invalid("the request is not valid", fault.Field{Field: member, Message: "must be spelt exactly so"})
			}
		}
	}
	return nil
}

func isLegacy(tags []string) bool { return slices.Contains(tags, "legacy") }
