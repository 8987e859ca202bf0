package user

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/pg"
)

// Search filters users. Limit is required.
type Search struct {
	// Q is a prefix of an e-mail (with "@") or username, or a whole id or uid.
	Q        string
	Provider string
	Status   string
	Active   *bool
	Cursor   string
	Limit    page.Size
}

// Record is a row for operators.
type Record struct {
	User
	LastSync *time.Time
	Failure  string // of a sync or move
}

// Page holds results. Next is "" on the last page.
type Page struct {
	Records []Record
	Next    string
}

const (
	byID       = "id"
	byEmail    = "email"
	byUsername = "username"
)

type place struct {
	By    string `json:"by"`
	After string `json:"after"`
}

func (q Search) from(by string) (place, error) {
	var from place
	if err := page.Decode(q.Cursor, &from); err != nil || q.Cursor == "" {
		return place{}, err
	}
	if from.By != by || from.After == "" || strings.ContainsRune(from.After, 0) {
		return place{}, page.ErrInvalidCursor
	}
	return from, nil
}

// Search returns one page. Errors: page.ErrInvalidCursor.
func (s *Store) Search(ctx context.Context, q Search) (found Page, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.queries.PlanEachTime(ctx, tx); err != nil {
			return err
		}
		found, err = s.search(ctx, tx, q)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("search users: %w", pg.Fault(err))
	}
	return found, nil
}

func (s *Store) search(ctx context.Context, tx pgx.Tx, q Search) (Page, error) {
	switch {
	case q.Q == "":
		return s.searchAll(ctx, tx, q)
	case strings.Contains(q.Q, "@"):
		return s.searchEmails(ctx, tx, q)
	}
	if couldBeID(q.Q) {
		found, err := s.find(ctx, tx, q)
		if err != nil || len(found) > 0 {
			return Page{Records: found}, err
		}
	}
	return s.searchUsernames(ctx, tx, q)
}

func couldBeID(q string) bool {
	n := utf8.RuneCountInString(q)
	return n >= minUID && n <= maxUID && !strings.ContainsRune(q, ' ')
}

func (s *Store) find(ctx context.Context, tx pgx.Tx, q Search) ([]Record, error) {
	id, _ := uuid.Parse(q.Q) // uuid.Nil matches no row
	rows, err := s.queries.FindUsers(ctx, tx, db.FindUsersParams{ID: id, FirebaseUID: q.Q})
	if err != nil {
		return nil, err
	}
	var found []Record
	for _, row := range rows {
		if r := toRecord(db.SearchUsersRow(row)); q.admits(r) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (q Search) admits(r Record) bool {
	return (q.Provider == "" || q.Provider == r.AuthProvider) && (q.Status == "" || q.Status == r.FederationStatus) &&
		(q.Active == nil || *q.Active == r.IsActive)
}

func (s *Store) searchAll(ctx context.Context, tx pgx.Tx, q Search) (Page, error) {
	from, err := q.from(byID)
	if err != nil {
		return Page{}, err
	}
	params := db.SearchUsersParams{Provider: given(q.Provider), Status: given(q.Status), Active: q.Active, PageSize: q.Limit.OneMore()}
	if from.After != "" {
		after, err := uuid.Parse(from.After)
		if err != nil {
			return Page{}, page.ErrInvalidCursor.With(err)
		}
		params.After = &after
	}
	rows, err := s.queries.SearchUsers(ctx, tx, params)
	return q.page(rows, byID, func(row db.SearchUsersRow) string { return row.ID.String() }), err
}

func (s *Store) searchEmails(ctx context.Context, tx pgx.Tx, q Search) (Page, error) {
	from, err := q.from(byEmail)
	if err != nil {
		return Page{}, err
	}
	prefix := canonicalForm(q.Q)
	found, err := s.queries.SearchUsersByEmail(ctx, tx, db.SearchUsersByEmailParams{
		Prefix: prefix, Before: afterPrefix(prefix), After: from.After,
		Provider: given(q.Provider), Status: given(q.Status), Active: q.Active, PageSize: q.Limit.OneMore(),
	})
	rows := make([]db.SearchUsersRow, len(found))
	for i, row := range found {
		rows[i] = db.SearchUsersRow(row)
	}
	return q.page(rows, byEmail, func(row db.SearchUsersRow) string { return canonicalForm(row.Email) }), err
}

func (s *Store) searchUsernames(ctx context.Context, tx pgx.Tx, q Search) (Page, error) {
	from, err := q.from(byUsername)
	if err != nil {
		return Page{}, err
	}
	found, err := s.queries.SearchUsersByUsername(ctx, tx, db.SearchUsersByUsernameParams{
		Prefix: q.Q, Before: afterPrefix(q.Q), After: from.After,
		Provider: given(q.Provider), Status: given(q.Status), Active: q.Active, PageSize: q.Limit.OneMore(),
	})
	rows := make([]db.SearchUsersRow, len(found))
	for i, row := range found {
		rows[i] = db.SearchUsersRow(row)
	}
	return q.page(rows, byUsername, func(row db.SearchUsersRow) string { return or(row.Username, "") }), err
}

func (q Search) page(rows []db.SearchUsersRow, by string, key func(db.SearchUsersRow) string) (found Page) {
	rows, last := page.Trim(rows, q.Limit)
	if last != nil {
		found.Next = page.Encode(place{By: by, After: key(*last)})
	}
	for _, row := range rows {
		found.Records = append(found.Records, toRecord(row))
	}
	return found
}

// Record reads one row. Errors: ErrNotFound.
func (s *Store) Record(ctx context.Context, id uuid.UUID) (Record, error) {
	rows, err := s.queries.FindUsers(ctx, s.pool, db.FindUsersParams{ID: id})
	if err != nil {
		return Record{}, fmt.Errorf("read user %s: %w", id, pg.Fault(err))
	}
	if len(rows) == 0 {
		return Record{}, ErrNotFound
	}
	return toRecord(db.SearchUsersRow(rows[0])), nil
}

func toRecord(row db.SearchUsersRow) Record {
	return Record{
		User:     FromRow(row.User()),
		LastSync: sayable(row.LastFirebaseSync), Failure: row.Failure,
	}
}

// afterPrefix is the first text in byte order without the prefix.
func afterPrefix(prefix string) string {
	runes := []rune(prefix)
	last := len(runes) - 1
	switch runes[last] {
	case utf8.MaxRune:
		return prefix + string(utf8.MaxRune)
	case surrogatesBegin - 1:
		runes[last] = surrogatesEnd + 1 // surrogates are no text
	default:
		runes[last]++
	}
	return string(runes)
}

// RFC 3629 section 3.
const (
	surrogatesBegin = 0xD800
	surrogatesEnd   = 0xDFFF
)

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
