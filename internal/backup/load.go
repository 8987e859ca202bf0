package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// load says how a dump goes into a database, in one transaction: before runs first, after last, and nothing is committed unless
// all of it went well.
type load struct {
	before, after string
	// clean drops what the dump holds before it makes it.
	clean bool
	// asOwners keeps owners and grants; else all belongs to the role of the connection.
	asOwners bool
}

// run streams pg_restore's script into psql. pg_restore's own single transaction cannot be used: nothing could be dropped or
// checked inside it, and a script that was cut short must not be committed, so the COMMIT is sent only once pg_restore has
// ended well.
func (l load) run(ctx context.Context, o Options, tools programs, target *server, dump string) error {
	env, err := target.programEnvironment(o.Environment)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read, readSaid := tools.command(ctx, env, "pg_restore", l.arguments(dump)...)
	write, writeSaid := tools.command(ctx, env, "psql", "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")
	sink, err := write.StdinPipe()
	if err != nil {
		return fmt.Errorf("psql: %w", err)
	}
	script, err := read.StdoutPipe()
	if err != nil {
		return fmt.Errorf("pg_restore: %w", err)
	}
	return supervised(func() error {
		if err := write.Start(); err != nil {
			return writeSaid.about(err)
		}
		sent := l.send(sink, script, read, readSaid)
		if err := write.Wait(); err != nil {
			return refusal(writeSaid, err)
		}
		return sent
	})
}

func (l load) arguments(dump string) []string {
	args := []string{"--file=-"}
	if l.clean {
		args = append(args, "--clean", "--if-exists")
	}
	if !l.asOwners {
		args = append(args, "--no-owner", "--no-privileges")
	}
	return append(args, "--", dump)
}

// send writes the whole script and ends it, without a COMMIT when pg_restore failed: psql then leaves, and all is rolled back.
func (l load) send(sink io.WriteCloser, script io.Reader, read *exec.Cmd, said *complaint) error {
	defer func() { _ = sink.Close() }()
	if _, err := io.WriteString(sink, "BEGIN;\n"+l.before+"\n"); err != nil {
		return fmt.Errorf("psql: %w", err)
	}
	if err := read.Start(); err != nil {
		return said.about(err)
	}
	safe, err := restricted(script)
	if err != nil {
		_ = read.Process.Kill()
		_ = read.Wait()
		return err
	}
	_, copyErr := io.Copy(sink, safe)
	if copyErr != nil {
		_ = read.Process.Kill() // psql is gone and its words say why; nobody reads the rest
	}
	if err := read.Wait(); err != nil && copyErr == nil {
		return refusal(said, err)
	}
	if copyErr != nil {
		return fmt.Errorf("psql: %w", copyErr)
	}
	if _, err := io.WriteString(sink, l.after+"\nCOMMIT;\n"); err != nil {
		return fmt.Errorf("psql: %w", err)
	}
	return nil
}

// refusedError says that the dump or the server refused, as opposed to a program that could not do its work.
type refusedError struct{ error }

// refusal reads an exit code: pg_restore gives 1 for an archive that it cannot read, psql 3 for a statement that failed (and 2 for
// a connection that was lost).
func refusal(said *complaint, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 3 || said.name == "pg_restore" && exit.ExitCode() == 1) {
		return refusedError{said.about(err)}
	}
	return said.about(err)
}

// preparation makes what a dump of the schema auth alone needs.
func (m Manifest) preparation() (string, error) { return withData(extendScript, m.Extensions) }

// checks compares every table with the manifest inside the transaction.
func (m Manifest) checks() (string, error) { return withData(checkScript, m.Tables) }
