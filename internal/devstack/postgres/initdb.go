package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// initialise returns both roles' password. The rename makes it atomic.
func initialise(ctx context.Context, o Options, programs programs, account account) (string, error) {
	passwordFile := o.DataDir + ".password"
	major, err := dataMajor(o.DataDir)
	if err != nil {
		return "", err
	}
	if major != "" {
		content, err := os.ReadFile(passwordFile)
		if err != nil {
			return "", fmt.Errorf("the data folder is there and its password is not (remove %s to begin anew): %w", o.DataDir, err)
		}
		return strings.TrimSpace(string(content)), nil
	}
	if err := os.MkdirAll(filepath.Dir(o.DataDir), 0o755); err != nil {
		return "", fmt.Errorf("data folder's parent: %w", err)
	}
	password, err := writePassword(passwordFile, account)
	if err != nil {
		return "", err
	}
	if err := runInitdb(ctx, o, programs, account, passwordFile); err != nil {
		return "", err
	}
	return password, nil
}

func writePassword(path string, account account) (string, error) {
	random := make([]byte, 24)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("random password: %w", err)
	}
	password := hex.EncodeToString(random)
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store the password: %w", err)
	}
	return password, account.own(path)
}

func runInitdb(ctx context.Context, o Options, programs programs, account account, passwordFile string) error {
	half := o.DataDir + ".half"
	if err := errors.Join(os.RemoveAll(half), os.RemoveAll(o.DataDir)); err != nil {
		return fmt.Errorf("clear the data folder: %w", err)
	}
	if err := os.Mkdir(half, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := account.own(half); err != nil {
		return err
	}
	if err := account.reach(half); err != nil {
		return err
	}
	// Some systems lack C.UTF-8.
	var failures error
	for _, locale := range []string{"C.UTF-8", "C"} {
		args := []string{
			"-D", half, "-U", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256",
			"--encoding", "UTF8", "--locale", locale, "--no-instructions",
		}
		if !o.Fsync {
			args = append(args, "--no-sync")
		}
		cmd := exec.CommandContext(ctx, programs.path("initdb"), args...)
		cmd.Dir, cmd.Env = account.workDir(half), environment()
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		account.apply(cmd.SysProcAttr)
		output, err := cmd.CombinedOutput()
		if err == nil {
			return os.Rename(half, o.DataDir)
		}
		failures = errors.Join(failures, fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(output))))
		if ctx.Err() != nil {
			break
		}
	}
	return failures
}

func dataMajor(dataDir string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the version of the data folder: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
