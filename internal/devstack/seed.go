package devstack

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Person is a seeded user.
type Person struct {
	// UID is "" for a local user.
	ID, UID                   string
	Email, Username, Password string
	UserType                  string
	// LegacyHash is Password's bcrypt hash ($2b$, cost 10).
	LegacyHash string
}

// Provider is the column's value.
func (p Person) Provider() string {
	if p.UID == "" {
		return "local"
	}
	return "firebase"
}

// People are the seeds; the last is the legacy service's only.
var People = []Person{
	{
		ID: "00000000-0000-4000-8000-000000000001", UID: "dev-admin-000000000000000001", Email: "admin@example.test",
		Username: "admin", Password: "admin-password", UserType: "admin",
	},
	{
		ID: "00000000-0000-4000-8000-000000000002", UID: "dev-jane-0000000000000000002", Email: "jane@example.test",
		Username: "jane", Password: "jane-password", UserType: "user",
	},
	{
		ID: "00000000-0000-4000-8000-000000000003", Email: "lois@example.test",
		Username: "lois", Password: "lois-password", UserType: "user",
		LegacyHash: "$2b$10$9bKOZzFkAEb4a8Zr3t74qeulboP8eiOSeuZBgIRMPjo39cPcOoWP2",
	},
}

//go:embed seed.sql
var seedSQL string

// Seed writes rows and Firebase accounts. It is idempotent.
func Seed(ctx context.Context, env Env) error {
	for _, person := range People {
		if person.UID == "" {
			continue
		}
		if err := seedAccount(ctx, env, person); err != nil {
			return fmt.Errorf("seed %s at the identity provider: %w", person.Email, err)
		}
	}
	conn, err := pgx.Connect(ctx, env.Get("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, p := range People {
		_, err := conn.Exec(ctx, seedSQL, p.ID, p.Email, p.Username, p.UserType, p.Provider(), orNull(p.UID), orNull(p.LegacyHash))
		if err != nil {
			return fmt.Errorf("seed %s: %w", p.Email, err)
		}
	}
	return nil
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func seedAccount(ctx context.Context, env Env, person Person) error {
	body, err := json.Marshal(map[string]any{
		"localId": person.UID, "email": person.Email, "emailVerified": true, "password": person.Password,
		"displayName": person.Username,
	})
	if err != nil {
		return err
	}
	url := fmt.Sprintf("%s/identitytoolkit.googleapis.com/v1/projects/%s/accounts", env.Get("IDENTITY_URL"), env.Get("FIREBASE_PROJECT_ID"))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer owner")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return accountAnswer(response)
}

func accountAnswer(response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return errors.Join(fmt.Errorf("it answers %s", response.Status), err)
	}
	code, _, _ := strings.Cut(answer.Error.Message, " : ")
	if code == "DUPLICATE_LOCAL_ID" || code == "EMAIL_EXISTS" {
		return nil
	}
	return fmt.Errorf("it answers %s: %s", response.Status, answer.Error.Message)
}
