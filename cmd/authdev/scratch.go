package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
)

type scratchCmd struct {
	ServerURL string `help:"A server whose role may create databases." env:"TEST_DATABASE_URL" required:""`
}

// Run makes a database with every migration applied and prints its URL: what the schema's dump and sqlc's vet look at.
func (c *scratchCmd) Run(ctx context.Context) error {
	location, err := url.Parse(c.ServerURL)
	if err != nil {
		return fmt.Errorf("parse the server's URL: %w", err)
	}
	conn, err := pgx.Connect(ctx, c.ServerURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := postgres.ScratchPrefix + "schema_" + uuid.NewString() // a later run drops it
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create a database: %w", err)
	}
	location.Path = "/" + name
	if err := schema.Migrate(ctx, location.String(), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	fmt.Println(location.String())
	return nil
}
