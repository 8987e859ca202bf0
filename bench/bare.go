package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bareCmd serves handlers of net/http, encoding/json, golang-jwt and pgx alone. They do the unavoidable work.
type bareCmd struct {
	Listen      string `required:""`
	DatabaseURL string `env:"DATABASE_URL" required:""`
	IdentityURL string `env:"IDENTITY_URL" required:""`
	CertsURL    string `env:"FIREBASE_CERTS_URL" required:""`
	Pool        int32  `env:"DB_POOL_MAX" default:"4"`
}

func (c *bareCmd) Run(ctx context.Context) error {
	handler, err := newBare(ctx, *c)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: requestTimeout}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

type bare struct {
	pool     *pgxpool.Pool
	keys     map[string]*rsa.PublicKey
	parser   *jwt.Parser
	identity *http.Client
	signIn   string
}

func newBare(ctx context.Context, c bareCmd) (http.Handler, error) {
	config, err := pgxpool.ParseConfig(c.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err)
	}
	config.MaxConns = c.Pool
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	keys, err := fetchKeys(ctx, c.CertsURL)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 128
	b := &bare{
		pool: pool, keys: keys, identity: &http.Client{Transport: transport, Timeout: requestTimeout},
		signIn: c.IdentityURL + "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=bench",
		parser: jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(),
			jwt.WithAudience(project), jwt.WithIssuer("https://securetoken.google.com/"+project)),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /echo", handle(b.echo))
	mux.HandleFunc("POST /cold", handle(b.cold))
	mux.HandleFunc("POST /sight", handle(b.sight))
	mux.HandleFunc("POST /insert", handle(b.insert))
	mux.HandleFunc("POST /login", handle(b.login))
	return mux, nil
}

func fetchKeys(ctx context.Context, url string) (map[string]*rsa.PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the certificates: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var certificates map[string]string
	if err := json.NewDecoder(response.Body).Decode(&certificates); err != nil {
		return nil, fmt.Errorf("read the certificates: %w", err)
	}
	keys := map[string]*rsa.PublicKey{}
	for id, certificate := range certificates {
		if keys[id], err = jwt.ParseRSAPublicKeyFromPEM([]byte(certificate)); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", id, err)
		}
	}
	return keys, nil
}

func handle[In, Out any](work func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := work(r.Context(), in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}
}

type tokenBody struct {
	Token string `json:"token"`
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type answer[T any] struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	Data    T      `json:"data"`
}

type verifiedUser struct {
	User  summary  `json:"user"`
	Token lifetime `json:"token"`
}

type summary struct {
	ID           string `json:"id"`
	FirebaseUID  string `json:"firebase_uid"`
	Email        string `json:"email"`
	Username     string `json:"username"`
	UserType     string `json:"user_type"`
	IsActive     bool   `json:"is_active"`
	TokenBalance int32  `json:"token_balance"`
}

type lifetime struct {
	Kind      string    `json:"kind"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type session struct {
	UID          string `json:"uid"`
	Email        string `json:"email"`
	DisplayName  string `json:"displayName"`
	IDToken      string `json:"idToken"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    string `json:"expiresIn"`
	Kind         string `json:"kind"`
	User         me     `json:"user"`
}

type me struct {
	summary
	AuthProvider string    `json:"auth_provider"`
	LastLogin    time.Time `json:"last_login"`
	CreatedAt    time.Time `json:"created_at"`
}

func (b *bare) echo(context.Context, tokenBody) (answer[verifiedUser], error) {
	now := time.Now().UTC().Truncate(time.Second)
	return toAnswer(summary{
		ID: "00000000-0000-4000-8000-000000000001", FirebaseUID: "0123456789abcdef0123456789ab", Email: "known-1000@example.test",
		Username: "known person 1000", UserType: "user", IsActive: true,
	}, now, now.Add(time.Hour)), nil
}

func toAnswer(u summary, issued, expires time.Time) answer[verifiedUser] {
	return answer[verifiedUser]{Success: true, Message: "Token verified successfully", Data: verifiedUser{
		User: u, Token: lifetime{Kind: "firebase", IssuedAt: issued.UTC(), ExpiresAt: expires.UTC()},
	}}
}

type idClaims struct {
	jwt.RegisteredClaims
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (b *bare) verify(compact string) (idClaims, error) {
	var claims idClaims
	_, err := b.parser.ParseWithClaims(compact, &claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key, known := b.keys[id]; known {
			return key, nil
		}
		return nil, fmt.Errorf("no key %q", id)
	})
	return claims, err
}

// cold is one verification and one SELECT.
func (b *bare) cold(ctx context.Context, in tokenBody) (answer[verifiedUser], error) {
	claims, err := b.verify(in.Token)
	if err != nil {
		return answer[verifiedUser]{}, err
	}
	var u summary
	err = b.pool.QueryRow(ctx, `
		SELECT id::text, firebase_uid, email, username, user_type, is_active, token_balance
		FROM auth.users WHERE firebase_uid = $1`, claims.Subject).
		Scan(&u.ID, &u.FirebaseUID, &u.Email, &u.Username, &u.UserType, &u.IsActive, &u.TokenBalance)
	return toAnswer(u, claims.IssuedAt.Time, claims.ExpiresAt.Time), err
}

// sight is one verification and one INSERT.
func (b *bare) sight(ctx context.Context, in tokenBody) (answer[verifiedUser], error) {
	claims, err := b.verify(in.Token)
	if err != nil {
		return answer[verifiedUser]{}, err
	}
	u, err := b.newUser(ctx, another(claims.Subject), another(claims.Email), another(claims.Name))
	return toAnswer(u, claims.IssuedAt.Time, claims.ExpiresAt.Time), err
}

func (b *bare) insert(ctx context.Context, _ tokenBody) (answer[verifiedUser], error) {
	uid, now := uuid.NewString(), time.Now().Truncate(time.Second)
	name := uid[:18] // 60 random bits
	u, err := b.newUser(ctx, uid[:28], name+"@e.test", name)
	return toAnswer(u, now, now.Add(time.Hour)), err
}

// another avoids a row of the token's own user.
func another(text string) string { return "~" + text[min(1, len(text)):] }

// newUser writes into the service's table, for the same indexes.
func (b *bare) newUser(ctx context.Context, uid, email, name string) (summary, error) {
	u := summary{FirebaseUID: uid, Email: email, Username: name, UserType: "user", IsActive: true}
	err := b.pool.QueryRow(ctx, `
		INSERT INTO auth.users (firebase_uid, email, username, auth_provider, last_firebase_sync, last_login)
		VALUES ($1, $2, $3, 'firebase', now(), now()) RETURNING id::text`, uid, email, name).Scan(&u.ID)
	return u, err
}

// login is one identity call and one UPDATE.
func (b *bare) login(ctx context.Context, in credentials) (answer[session], error) {
	s, err := b.askIdentity(ctx, in)
	if err != nil {
		return answer[session]{}, err
	}
	u := &s.User
	err = b.pool.QueryRow(ctx, `
		UPDATE auth.users SET last_login = now(), updated_at = now() WHERE firebase_uid = $1
		RETURNING id::text, firebase_uid, email, username, user_type, is_active, token_balance, auth_provider, last_login, created_at`,
		s.UID).Scan(&u.ID, &u.FirebaseUID, &u.Email, &u.Username, &u.UserType, &u.IsActive, &u.TokenBalance,
		&u.AuthProvider, &u.LastLogin, &u.CreatedAt)
	return answer[session]{Success: true, Message: "Login successful", Data: s}, err
}

func (b *bare) askIdentity(ctx context.Context, in credentials) (session, error) {
	body, err := json.Marshal(map[string]any{"email": in.Email, "password": in.Password, "returnSecureToken": true})
	if err != nil {
		return session{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.signIn, bytes.NewReader(body))
	if err != nil {
		return session{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.identity.Do(request)
	if err != nil {
		return session{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return session{}, fmt.Errorf("the identity provider answers %s", response.Status)
	}
	var signedIn struct {
		LocalID string `json:"localId"`
		session
	}
	if err := json.NewDecoder(response.Body).Decode(&signedIn); err != nil {
		return session{}, err
	}
	signedIn.UID, signedIn.Kind = signedIn.LocalID, "firebase"
	return signedIn.session, nil
}
