package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/proof"
)

const rowsPerPage = 2000

// record is the tree's record of a row: what a move must not change, as a JSON array in a fixed order.
func record(row db.ProvenRowsRow) ([]byte, error) {
	return json.Marshal([]any{row.ID, row.Username, row.UserType, row.IsActive, row.TokenBalance, row.CreatedAt, row.Ledger})
}

func (c *Comparer) eachRow(ctx context.Context, from db.DBTX, visit func(db.ProvenRowsRow) error) error {
	var after *uuid.UUID
	for {
		page, err := c.queries.ProvenRows(ctx, from, db.ProvenRowsParams{After: after, Page: int32(c.PageSize)}) //nolint:gosec // a few thousand
		if err != nil {
			return fmt.Errorf("read a page of rows: %w", pg.Fault(err))
		}
		if len(page) == 0 {
			return nil
		}
		for _, row := range page {
			if err := visit(row); err != nil {
				return err
			}
		}
		after = &page[len(page)-1].ID
	}
}

// inSnapshot reads one state of the database and writes nothing.
func (c *Comparer) inSnapshot(ctx context.Context, read func(pgx.Tx) error) error {
	err := pgx.BeginTxFunc(ctx, c.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
	return pg.Fault(err)
}

// Root is the Merkle root of all rows.
type Root struct {
	Rows int64     `json:"rows"`
	Hash tlog.Hash `json:"root"` // base64
}

// Root reads the rows only.
func (c *Comparer) Root(ctx context.Context) (Root, error) {
	tree := &proof.Tree{}
	err := c.inSnapshot(ctx, func(tx pgx.Tx) error {
		return c.eachRow(ctx, tx, func(row db.ProvenRowsRow) error { return add(tree, row) })
	})
	if err != nil {
		return Root{}, err
	}
	return rootOf(tree)
}

func add(tree *proof.Tree, row db.ProvenRowsRow) error {
	leaf, err := record(row)
	if err != nil {
		return fmt.Errorf("encode row %s: %w", row.ID, err)
	}
	return tree.Add(leaf)
}

func rootOf(tree *proof.Tree) (Root, error) {
	hash, err := tree.Root()
	return Root{Rows: tree.Size(), Hash: hash}, err
}

// Proof shows that a row is in the tree of a root.
type Proof struct {
	Root
	Record    json.RawMessage `json:"record"` // [id, username, user_type, is_active, token_balance, created_at, sum of the ledger]
	Inclusion proof.Inclusion `json:"inclusion"`
}

// ErrNoRow says that there is no row to prove.
var ErrNoRow = errors.New("there is no user with this id")

// Prove returns the proof of one row in the present tree. Errors: ErrNoRow, or an outage.
func (c *Comparer) Prove(ctx context.Context, id uuid.UUID) (Proof, error) {
	var out Proof
	err := c.inSnapshot(ctx, func(tx pgx.Tx) error {
		at, err := c.queries.ProvenPlace(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("find the place of user %s: %w", id, err)
		}
		if at.Found == 0 {
			return ErrNoRow
		}
		tree, err := proof.NewProvingTree(at.Size, at.Place)
		if err != nil {
			return err
		}
		err = c.eachRow(ctx, tx, func(row db.ProvenRowsRow) error {
			if row.ID == id {
				if out.Record, err = record(row); err != nil {
					return err
				}
			}
			return add(tree, row)
		})
		if err != nil {
			return err
		}
		if out.Inclusion, err = tree.Prove(at.Place); err != nil {
			return err
		}
		out.Root, err = rootOf(tree)
		return err
	})
	return out, err
}

// Check returns an error if the record is not in the root's tree.
func (p Proof) Check() error {
	var fields []any
	if err := json.Unmarshal(p.Record, &fields); err != nil {
		return fmt.Errorf("the record is no JSON array: %w", err)
	}
	if p.Rows != p.Inclusion.Size {
		return fmt.Errorf("the proof is of %d rows, the root of %d", p.Inclusion.Size, p.Rows)
	}
	return p.Inclusion.Check(p.Hash, p.Record)
}
