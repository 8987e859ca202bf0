package backup

import (
	"os/exec"
	"syscall"
)

// endWithParent: the kernel kills the program with authd.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
