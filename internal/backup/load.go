package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// load is one restore in one transaction.
type load struct {
	before, after string
	// clean drops the dump's objects first.
	clean bool
	// asOwners keeps owners and grants; else the role owns all.
	asOwners bool
}

// run streams pg_restore's script into psql and commits only after pg_restore succeeded. pg_restore's own transaction allows no checks
// inside.
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

// send omits the COMMIT when pg_restore fails; psql rolls back.
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
		_ = read.Process.Kill() // psql's message tells why
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

// refusedError means that dump or server refused.
type refusedError struct{ error }

// refusal maps exit codes: pg_restore 1 an unreadable archive, psql 3 a failed statement, 2 a lost connection.
func refusal(said *complaint, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 3 || said.name == "pg_restore" && exit.ExitCode() == 1) {
		return refusedError{said.about(err)}
	}
	return said.about(err)
}

func (m Manifest) preparation() (string, error) { return withData(extendScript, m.Extensions) }

func (m Manifest) checks() (string, error) { return withData(checkScript, m.Tables) }
