//go:build !linux

package postgres

import "syscall"

// enterUserNamespace does nothing where there are none: root's run fails its trial, and another user's credentials are used.
func enterUserNamespace(*syscall.SysProcAttr) {}
