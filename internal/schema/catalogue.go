package schema

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/db"
)

//go:embed catalogue.sql
var catalogueQuery string

// Object is one comparable thing in the schema auth: a column's type and its default are two. Name is qualified, Definition is PostgreSQL's
// text.
type Object struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Definition string `json:"definition"`
}

// Catalogue lists objects by kind and name.
type Catalogue []Object

// Expected returns this binary's catalogue.
var Expected = sync.OnceValue(func() Catalogue { return mustParse(db.Catalogue) })

// Beginner is a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// Read reads the live schema in one read-only transaction. It blocks no session.
func Read(ctx context.Context, conn Beginner) (Catalogue, error) {
	var found Catalogue
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL search_path = ''"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, catalogueQuery)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Object])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return found, nil
}

// Fingerprint is the SHA-256 of Lines, in hex.
func (c Catalogue) Fingerprint() string {
	sum := sha256.Sum256(c.Lines())
	return hex.EncodeToString(sum[:])
}

// Lines returns the format of db/catalogue.jsonl.
func (c Catalogue) Lines() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, object := range c {
		_ = encoder.Encode(object)
	}
	return out.Bytes()
}

func mustParse(lines []byte) Catalogue {
	var out Catalogue
	decoder := json.NewDecoder(bytes.NewReader(lines))
	for decoder.More() {
		var object Object
		if err := decoder.Decode(&object); err != nil {
			panic(fmt.Sprintf("the catalogue in this binary is broken: %v", err))
		}
		out = append(out, object)
	}
	return out
}
