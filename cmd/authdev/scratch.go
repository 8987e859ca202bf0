package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
)

type scratchCmd struct {
	ServerURL string `help:"A server whose role may create databases." env:"TEST_DATABASE_URL" required:""`
	To        string `help:"The last migration to apply, such as 003. Default: all."`
	Catalogue bool   `help:"Print what the migrations have made, an object a line, in place of the URL."`
}

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
	options := schema.Options{DatabaseURL: location.String(), To: c.To, Logger: slog.New(slog.DiscardHandler)}
	if err := schema.Migrate(ctx, options); err != nil {
		return err
	}
	if !c.Catalogue {
		fmt.Println(location.String())
		return nil
	}
	made, err := pgx.Connect(ctx, location.String())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = made.Close(ctx) }()
	catalogue, err := schema.Read(ctx, made)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(catalogue.Lines())
	return err
}
