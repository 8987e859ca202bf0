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

// legacyHandlers are the operations of the tag legacy: what clients of the old auth-service speak, under two prefixes.
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

// errOfAnother says that a token is good and is not the asked-for user's, to a service that must not let it in.
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

// LegacySurface says how long clients may go on speaking the old auth-service's language. Sunset zero means that no date is set.
type LegacySurface struct {
	Off    bool
	Sunset time.Time
}

// deprecatedSince is when the legacy surface came into this contract: as deprecated from its first day.
var deprecatedSince = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// legacySurface tells clients of the deprecated surface so (RFC 9745, RFC 8594), and counts who they are; switched off, it is not
// there.
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
				metrics.LegacyRequest(x.routeOf(), r.UserAgent()) // strangers who knock have no name here
			}
		})
	}
}

// legacyMembers are the members of the body that a legacy operation takes.
func legacyMembers(o *openapi3.Operation) (names []string) {
	if !isLegacy(o.Tags) || o.RequestBody == nil {
		return nil
	}
	for _, media := range o.RequestBody.Value.Content {
		names = slices.AppendSeq(names, maps.Keys(media.Schema.Value.Properties))
	}
	return names
}

// checkSpelling refuses a body of the legacy surface that has one of members in other capitals. Unknown members are ignored there,
// and the contract's validator finds this one unknown; encoding/json would read it all the same, unvalidated, in the place of the
// member that everybody else reads.
func checkSpelling(body []byte, members []string) error {
	var sent map[string]jsontext.Value
	if len(members) == 0 || json.Unmarshal(body, &sent) != nil {
		return nil //nolint:nilerr // no object: the contract has its own words for that
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

// isLegacy says whether an operation belongs to the deprecated surface.
func isLegacy(tags []string) bool { return slices.Contains(tags, "legacy") }
