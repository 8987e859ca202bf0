package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

// Options configures the edge. All but Legacy, Tracing, CORSOrigins and TrustedProxies are required.
type Options struct {
	Accounts       *account.Service
	Users          *user.Store
	Resolver       *principal.Resolver
	Sessions       *session.Service
	Rollout        *rollout.Store
	Audit          *audit.Reader
	Balances       *balance.Service
	Outbox         *fbsync.Outbox
	Runs           *bulk.Service
	Legacy         LegacySurface
	Limiter        *limit.Limiter
	Checks         []Check
	Schema         func(ctx context.Context) (schema.Report, error)
	Metrics        *telemetry.Metrics
	Tracing        *telemetry.Tracing
	Logger         *slog.Logger
	Version        string
	CORSOrigins    []string
	TrustedProxies []netip.Prefix
}

// New returns the service's HTTP handler.
func New(o Options) (http.Handler, error) { return assemble(o, shortCut{o.Resolver}.before) }

// assemble defines the order of the edge, which a test checks.
func assemble(o Options, before func(http.Handler) http.Handler) (http.Handler, error) {
	contract, err := readContract()
	if err != nil {
		return nil, err
	}
	page, err := newDocsPage()
	if err != nil {
		return nil, err
	}
	aliases := AddAliases(contract)
	ops, err := operationsOf(contract)
	if err != nil {
		return nil, err
	}
	root := chi.NewRouter()
	root.NotFound(func(w http.ResponseWriter, r *http.Request) { writeError(w, r, errNoRoute) })
	root.MethodNotAllowed(methodNotAllowed(root))
	root.Group(func(r chi.Router) {
		r.Use(
			ops.identify,
			legacySurface(o.Legacy, o.Metrics),
			limitBody,
			limitAddress(o.Limiter),
			prepareAuth(o.Resolver),
			validate(contract),
			readableQuery,
		)
		mount(r, server{
			authHandlers:         authHandlers{accounts: o.Accounts, users: o.Users},
			meHandlers:           meHandlers{accounts: o.Accounts, users: o.Users, sessions: o.Sessions},
			passwordHandlers:     passwordHandlers{accounts: o.Accounts},
			verificationHandlers: verificationHandlers{resolver: o.Resolver},
			adminHandlers:        adminHandlers{rollout: o.Rollout},
			adminUserHandlers:    adminUserHandlers{users: o.Users},
			auditHandlers:        auditHandlers{events: o.Audit},
			jobHandlers:          jobHandlers{outbox: o.Outbox},
			moveHandlers:         moveHandlers{runs: o.Runs},
			legacyHandlers:       legacyHandlers{accounts: o.Accounts, users: o.Users, resolver: o.Resolver},
			healthHandlers:       healthHandlers{checks: o.Checks, watch: newCheckWatch(o.Logger), version: o.Version},
			schemaHandlers:       schemaHandlers{validate: o.Schema, kept: new(keptReport)},
			docsHandlers:         docsHandlers{page: page},
			balanceHandlers:      balanceHandlers{balances: o.Balances},
		}, aliases)
	})
	return chi.Chain(
		requestMiddleware{log: o.Logger, metrics: o.Metrics, tracing: o.Tracing, trusted: o.TrustedProxies}.observe,
		crossOrigin(o.CORSOrigins),
		before,
		legacyPaths(contract),
		headAsGet(root),
		enterRouter,
	).Handler(root), nil
}

// mount registers each generated route and its alias. All error handlers call writeError.
func mount(r chi.Router, s api.StrictServerInterface, aliases map[string]string) {
	malformed := func(w http.ResponseWriter, r *http.Request, err error) { writeError(w, r, malformedRequest(err)) }
	strict := api.NewStrictHandlerWithOptions(s, nil, api.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  malformed,
		ResponseErrorHandlerFunc: writeError,
	})
	generated := chi.NewRouter()
	api.HandlerWithOptions(strict, api.ChiServerOptions{BaseRouter: generated, ErrorHandlerFunc: malformed})
	for _, route := range generated.Routes() {
		for method, handler := range route.Handlers {
			r.Method(method, route.Pattern, handler)
			if alias, ok := aliases[route.Pattern]; ok {
				r.Method(method, alias, handler)
			}
		}
	}
}
