//go:build !linux

package child

import "syscall"

// Children survive a kill -9 here.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
