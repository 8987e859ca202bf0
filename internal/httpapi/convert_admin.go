package httpapi

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/account"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/user"
)

const defaultLimit = 50

func fromAPISearch(in api.ListUsersParams) (user.Search, error) {
	out := user.Search{
		Q: orEmpty(in.Q), Provider: string(orZero(in.Provider)), Status: string(orZero(in.Status)), Active: in.Active,
		Cursor: orEmpty(in.Cursor), Limit: limitOf(in.Limit),
	}
	return out, expectText("q", out.Q)
}

func fromAPIAuditQuery(in api.ListAuditEventsParams) (audit.Query, error) {
	out := audit.Query{
		UserID: in.UserID, Actor: orEmpty(in.Actor), Action: orEmpty(in.Action), Since: in.Since, Until: in.Until,
		Cursor: orEmpty(in.Cursor), Limit: limitOf(in.Limit),
	}
	if err := expectText("actor", out.Actor); err != nil {
		return out, err
	}
	return out, expectText("action", out.Action)
}

func limitOf(limit *api.Limit) page.Size {
	if limit == nil {
		return defaultLimit
	}
	return page.Size(*limit)
}

// expectText checks parameters; limitBody checks bodies.
func expectText(parameter, text string) error {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return nil
	}
	return fault.Invalid("the request is not valid", fault.Field{Field: parameter, Message: "must be UTF-8 without NUL"})
}

func fromAPIUserChange(in api.UserChange) user.Change {
	return user.Change{Username: in.Username, Type: in.UserType, Email: in.Email}
}

func fromAPIDeactivate(in *api.DeactivateInput) (reason string) {
	if in == nil {
		return ""
	}
	return orEmpty(in.Reason)
}

func toAPIUserPage(page user.Page) api.UserPageJSONResponse {
	out := api.UserPageJSONResponse{Success: true, Message: "Users retrieved successfully"}
	out.Data.Users = []api.AdminUser{}
	for _, record := range page.Records {
		out.Data.Users = append(out.Data.Users, toAPIAdminUser(record))
	}
	out.Data.NextCursor = orNull(page.Next)
	return out
}

func toAPIUserRecord(record user.Record, message string) api.UserRecordJSONResponse {
	out := api.UserRecordJSONResponse{Success: true, Message: message}
	out.Data.User = toAPIAdminUser(record)
	return out
}

func toAPISynced(synced user.Synced, record user.Record) api.SyncedUserJSONResponse {
	out := api.SyncedUserJSONResponse{Success: true, Message: syncMessages[synced.Outcome]}
	out.Data.Outcome = api.SyncEnvelopeDataOutcome(synced.Outcome)
	out.Data.Changed = append([]string{}, synced.Changed...)
	out.Data.User = toAPIAdminUser(record)
	return out
}

var syncMessages = map[user.SyncOutcome]string{
	user.SyncUnchanged: "Both sides agreed already",
	user.SyncUpdated:   "The user follows Firebase now",
	user.SyncCreated:   "The account has a row now",
	user.SyncLinked:    "The account has this row now",
	user.SyncFailed:    "Something stands in the way: see the user's failure",
	user.SyncUnderWay:  "A registration is being finished and was left alone",
}

func toAPIAdminUser(r user.Record) api.AdminUser {
	return api.AdminUser{
		ID:               r.ID,
		FirebaseUID:      orNull(r.FirebaseUID),
		Email:            orNull(r.Email),
		Username:         orNull(r.Username),
		UserType:         r.Type,
		IsActive:         r.IsActive,
		TokenBalance:     r.TokenBalance,
		AuthProvider:     api.AuthProvider(r.AuthProvider),
		FederationStatus: api.FederationStatus(r.FederationStatus),
		Failure:          orNull(r.Failure),
		TokensValidAfter: orNever(r.TokensValidAfter),
		LastFirebaseSync: inUTC(r.LastSync),
		LastLogin:        inUTC(r.LastLogin),
		CreatedAt:        inUTC(r.CreatedAt),
		UpdatedAt:        inUTC(r.UpdatedAt),
	}
}

func toAPIAuditPage(page audit.Page) api.AuditPageJSONResponse {
	out := api.AuditPageJSONResponse{Success: true, Message: "Events retrieved successfully"}
	out.Data.Events = []api.AuditEvent{}
	for _, e := range page.Events {
		event := api.AuditEvent{
			ID: e.ID, OccurredAt: e.OccurredAt.UTC(), Action: e.Action, Actor: e.Actor, UserID: nil, RequestID: orNull(e.RequestID),
			Details: orNone(e.Details),
		}
		if e.UserID != uuid.Nil {
			event.UserID = &e.UserID
		}
		out.Data.Events = append(out.Data.Events, event)
	}
	out.Data.NextCursor = orNull(page.Next)
	return out
}

func toAPIExport(export account.Export, now time.Time) api.ExportJSONResponse {
	kept := export.User
	out := api.ExportJSONResponse{Body: api.ExportEnvelope{Success: true, Message: "Everything that is kept about you"}}
	out.Headers.ContentDisposition = fmt.Sprintf(`attachment; filename="account-%s.json"`, kept.ID)
	data := &out.Body.Data
	data.ExportedAt, data.User, data.KeepsLocalPassword = now.UTC(), toAPIAdminUser(kept.Record), kept.KeepsLocalPassword
	if kept.ProviderData != nil {
		data.ProviderData = &kept.ProviderData
	}
	if kept.SetAside != nil {
		data.SetAsidePassword = &struct {
			Reason     string    `json:"reason"`
			SetAsideAt time.Time `json:"set_aside_at"`
		}{kept.SetAside.Reason, kept.SetAside.At.UTC()}
	}
	if kept.Move != nil {
		data.Move = &struct {
			ClaimedAt time.Time  `json:"claimed_at"`
			FailedAt  *time.Time `json:"failed_at"`
			Failure   *string    `json:"failure"`
		}{kept.Move.ClaimedAt.UTC(), inUTC(kept.Move.FailedAt), orNull(kept.Move.Failure)}
	}
	data.Sessions, data.Events = toAPIExportedSessions(export.Sessions), toAPIExportedEvents(export.Events, kept.User)
	data.TokenBalanceEntries = toAPIExportedEntries(export.Entries)
	return out
}

func toAPIExportedSessions(sessions []session.Past) []api.ExportedSession {
	out := []api.ExportedSession{}
	for _, s := range sessions {
		out = append(out, api.ExportedSession{
			ID: s.ID, BeganAt: s.BeganAt.UTC(), LastUsedAt: s.LastUsedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(), EndedAt: inUTC(s.EndedAt),
			UserAgent: orNull(s.UserAgent),
		})
	}
	return out
}

// toAPIExportedEvents hides operators.
func toAPIExportedEvents(events []audit.Recorded, u user.User) []api.ExportedEvent {
	out := []api.ExportedEvent{}
	for _, e := range events {
		event := api.ExportedEvent{OccurredAt: e.OccurredAt.UTC(), Action: e.Action, Actor: "operator", Details: orNone(e.Details)}
		switch e.Actor {
		case "user:" + u.ID.String(), "token:" + u.FirebaseUID:
			event.Actor = "you"
		case "system":
			event.Actor = e.Actor
		}
		out = append(out, event)
	}
	return out
}

// toAPIExportedEntries hides callers.
func toAPIExportedEntries(entries []balance.Entry) []api.ExportedTokenBalanceEntry {
	out := []api.ExportedTokenBalanceEntry{}
	for _, e := range entries {
		out = append(out, api.ExportedTokenBalanceEntry{
			OccurredAt: e.OccurredAt.UTC(), Kind: api.TokenBalanceEntryKind(e.Kind), Amount: e.Amount, BalanceAfter: int(e.BalanceAfter),
			Reason: e.Reason,
		})
	}
	return out
}

func orNone(details map[string]any) map[string]any {
	if details == nil {
		return map[string]any{}
	}
	return details
}

func orNever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func orZero[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

func fromAPIJobQuery(in api.ListJobsParams) fbsync.JobQuery {
	out := fbsync.JobQuery{Cursor: orEmpty(in.Cursor), Limit: limitOf(in.Limit)}
	if in.State != nil {
		out.Dead = new(*in.State == api.ListJobsParamsStateDead)
	}
	return out
}

func toAPIJobPage(jobs []fbsync.Job, next string) api.JobPageJSONResponse {
	out := api.JobPageJSONResponse{Success: true, Message: "Jobs retrieved successfully"}
	out.Data.Jobs = []api.Job{}
	for _, j := range jobs {
		job := api.Job{
			ID: j.ID, UserID: j.UserID, State: api.JobStateDead, Tries: j.Tries, LastError: j.LastError, CreatedAt: j.CreatedAt.UTC(),
			NextTryAt: nil,
		}
		if !j.Dead {
			job.State, job.NextTryAt = api.JobStateRetrying, new(j.NextTry.UTC())
		}
		out.Data.Jobs = append(out.Data.Jobs, job)
	}
	out.Data.NextCursor = orNull(next)
	return out
}
