//go:build !linux

package postgres

import "syscall"

// enterUserNamespace does nothing: the trial as root fails and otherAccount follows.
func enterUserNamespace(*syscall.SysProcAttr) {}
