package schema

import (
	"context"
	"io/fs"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	"github.com/jackc/pgx/v5"
)

// LockKey is lockKey.
const LockKey = int64(lockKey)

// SSLMode is sslMode.
var SSLMode = sslMode

// DownOf takes back a migration outside the binary.
func DownOf(ctx context.Context, o Options, folder fs.FS, name string) error {
	return withRunner(ctx, o, func(r *runner) error {
		return r.down(ctx, dbmate.Migration{FileName: name, FilePath: "migrations/" + name, FS: folder, Version: Version(name), Applied: true})
	})
}

// Keeps and MayDrop return a down's declarations.
func Keeps(down string) []string   { return declared(keeps, down) }
func MayDrop(down string) []string { return declared(mayDrop, down) }

// Stored holds places for data.
type Stored []stored

// ReadStoredOf reads Stored.
func ReadStoredOf(ctx context.Context, conn Beginner) (found Stored, err error) {
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		found, err = readStored(ctx, tx)
		return err
	})
	return found, err
}

// Losses names what a step removed.
func Losses(before, after Stored) (names []string) {
	for _, l := range losses(before, after) {
		names = append(names, l.String())
	}
	return names
}
