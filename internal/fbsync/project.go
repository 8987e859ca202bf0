package fbsync

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

// Project is a Firebase project and its tenant, if any.
type Project struct {
	ID, Tenant string
}

func (p Project) String() string {
	if p.Tenant == "" {
		return p.ID
	}
	return p.ID + ", tenant " + p.Tenant
}

// WrongProjectError reports that the rows belong to another project.
type WrongProjectError struct{ Remembered, Configured Project }

// Error implements error.
func (e *WrongProjectError) Error() string {
	return fmt.Sprintf("the rows of this database belong to the Firebase project %s, and FIREBASE_PROJECT_ID says %s: "+
		"correct the configuration, or, where the database is a copy that another project is to serve, "+
		"empty the table auth.firebase_project", e.Remembered, e.Configured)
}

func remember(ctx context.Context, pool *pgxpool.Pool, is Project) error {
	queries := db.New()
	if err := queries.RememberProject(ctx, pool, db.RememberProjectParams{ProjectID: is.ID, Tenant: is.Tenant}); err != nil {
		return fmt.Errorf("remember the Firebase project: %w", pg.Fault(err))
	}
	return CheckProject(ctx, pool, is)
}

// CheckProject writes nothing. A database without a project fits any. Error: *WrongProjectError.
func CheckProject(ctx context.Context, pool *pgxpool.Pool, is Project) error {
	was, err := db.New().RememberedProject(ctx, pool)
	if pg.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the Firebase project: %w", pg.Fault(err))
	}
	if remembered := (Project{was.ProjectID, was.Tenant}); remembered != is {
		return &WrongProjectError{Remembered: remembered, Configured: is}
	}
	return nil
}
