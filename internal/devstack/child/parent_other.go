//go:build !linux

package child

import "syscall"

// endWithParent does nothing: children survive a kill -9 here.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
