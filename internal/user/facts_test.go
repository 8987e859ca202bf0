package user

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/firebase"
)

const platformsOwn = `{"google_id": 118364902187364512345, "large": 1e400, "plan": {"a": [1, 2.50]}, "old": true}`

func (s *Store) keepsPlatformsOwn(t *testing.T, what string, id uuid.UUID) {
	t.Helper()
	if n := s.count(t, "auth.users WHERE id = $1 AND provider_data @> $2::jsonb", id, platformsOwn); n != 1 {
		t.Errorf("%s has changed what the platform keeps: %s", what, s.rowAfter(t, id).facts)
	}
}

func TestFacts_WhatThePlatformKeepsStays(t *testing.T) {
	t.Parallel()
	s, v := syncingStore(t)
	own := map[string]any{"provider_data": json.RawMessage(platformsOwn)}

	id := s.linkedRow(t, own)
	account := accountOf(id)
	account.DisplayName = "Jane"
	v.accounts[id.String()] = account
	if _, err := s.Sync(t.Context(), id.String(), "cli:test"); err != nil {
		t.Fatal(err)
	}
	s.keepsPlatformsOwn(t, "a sync", id)
	if n := s.count(t, "auth.users WHERE id = $1 AND provider_data ->> 'display_name' = 'Jane'", id); n != 1 {
		t.Error("the row does not follow its account")
	}

	local := uuid.New()
	s.exec(t, `INSERT INTO auth.users (id, auth_provider, email, password_hash, provider_data) VALUES ($1, 'local', $2, 'x', $3)`,
		local, local.String()+"@example.com", platformsOwn)
	if u, err := s.FirstSight(t.Context(), session(newUID(), local.String()+"@example.com")); err != nil || u.ID != local {
		t.Fatalf("%+v, %v: expected the local row to be linked", u, err)
	}
	s.keepsPlatformsOwn(t, "a link", local)

	left := s.linkedRow(t, map[string]any{"provider_data": json.RawMessage(platformsOwn), "firebase_uid": newUID()})
	s.exec(t, `UPDATE auth.users SET provider_data = provider_data || '{"display_name": "Jane", "sync_failure": "account_gone"}' WHERE id = $1`, left)
	v.accounts = map[string]firebase.User{}
	if u, err := s.FirstSight(t.Context(), session(newUID(), left.String()+"@example.com")); err != nil || u.ID != left {
		t.Fatalf("%+v, %v: expected the row of the account that is gone to be linked anew", u, err)
	}
	s.keepsPlatformsOwn(t, "a link anew", left)
	if n := s.count(t, "auth.users WHERE id = $1 AND provider_data ?| ARRAY['display_name', 'sync_failure']", left); n != 0 {
		t.Error("the facts of the account that is gone are still there")
	}
}
