package child

import "syscall"

// endWithParent makes the kernel send sig to the child when the supervisor is gone, kill -9 included.
func endWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
