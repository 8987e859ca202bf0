package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the programs' user. PostgreSQL refuses root.
type account struct {
	attributes func(*syscall.SysProcAttr)
	// other owns the files; nil: the caller.
	other *user.User
}

// chooseAccount replaces root by a user namespace with uid 1000, else by an unprivileged user.
func chooseAccount(programs programs) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	inNamespace := account{attributes: enterUserNamespace}
	if inNamespace.works(programs) == nil {
		return inNamespace, nil
	}
	return otherAccount(programs)
}

func otherAccount(programs programs) (account, error) {
	var failures error
	for _, name := range []string{superuser, "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			failures = errors.Join(failures, err)
			continue
		}
		candidate := account{other: found, attributes: credentialsOf(found)}
		if err := candidate.works(programs); err != nil {
			failures = errors.Join(failures, fmt.Errorf("as %s: %w", name, err))
			continue
		}
		return candidate, nil
	}
	return account{}, fmt.Errorf("PostgreSQL refuses to run as root, and neither a user namespace nor another user works: %w", failures)
}

func credentialsOf(u *user.User) func(*syscall.SysProcAttr) {
	return func(attr *syscall.SysProcAttr) {
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

func (a account) works(programs programs) error {
	cmd := exec.Command(programs.path("postgres"), "--version")
	cmd.Dir, cmd.Env = a.workDir("."), environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	a.apply(cmd.SysProcAttr)
	return cmd.Run()
}

func (a account) apply(attr *syscall.SysProcAttr) {
	if a.attributes != nil {
		a.attributes(attr)
	}
}

func (a account) workDir(wanted string) string {
	if a.other != nil {
		return "/"
	}
	return wanted
}

func (a account) own(path string) error {
	if a.other == nil {
		return nil
	}
	uid, _ := strconv.Atoi(a.other.Uid)
	gid, _ := strconv.Atoi(a.other.Gid)
	if err := os.Chown(path, uid, gid); err != nil {
		return fmt.Errorf("give %s to %s: %w", path, a.other.Username, err)
	}
	return nil
}

// reach checks that other can enter every parent folder.
func (a account) reach(path string) error {
	if a.other == nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at %s: %w", dir, err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("this machine permits no user namespaces, so PostgreSQL must run as %s, who cannot enter %s: "+
				"move the checkout to a folder that everybody may enter, or run as an ordinary user", a.other.Username, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
