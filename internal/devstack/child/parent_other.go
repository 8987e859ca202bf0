//go:build !linux

package child

import "syscall"

// endWithParent does nothing where the kernel has no parent-death signal: a kill -9 of the supervisor leaves its children.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
