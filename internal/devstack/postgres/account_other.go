//go:build !linux

package postgres

import "syscall"

// The trial as root fails; otherAccount follows.
func enterUserNamespace(*syscall.SysProcAttr) {}
