package child

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Options say what to run and how it wants to be stopped.
type Options struct {
	Path   string
	Args   []string
	Dir    string
	Env    []string
	Stdout io.Writer
	Stderr io.Writer
	// StopSignal asks the program to end; it is also what the kernel sends when the supervisor dies. Default SIGTERM.
	StopSignal syscall.Signal
	// Grace is how long Stop waits after StopSignal before it kills the whole process group. Default 10 s.
	Grace time.Duration
	// Attributes may change how the process is created (another user, a user namespace).
	Attributes func(*syscall.SysProcAttr)
}

// Process is a running child. Safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	opts Options
	done chan struct{}
	err  error
}

// Start runs the program. The process is created by a thread that stays until it ends: the kernel's parent-death signal
// belongs to the creating thread, and Go would otherwise be free to retire that thread early.
func Start(o Options) (*Process, error) {
	if o.StopSignal == 0 {
		o.StopSignal = syscall.SIGTERM
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	p := &Process{cmd: command(o), opts: o, done: make(chan struct{})}
	started := make(chan error)
	go p.supervise(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Path, err)
	}
	return p, nil
}

func command(o Options) *exec.Cmd {
	cmd := exec.Command(o.Path, o.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.Dir, o.Env, o.Stdout, o.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr, o.StopSignal)
	if o.Attributes != nil {
		o.Attributes(cmd.SysProcAttr)
	}
	// A grandchild that keeps a copied pipe open must not keep Wait from returning.
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

func (p *Process) supervise(started chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, after the child
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	close(p.done)
}

// Done is closed when the program has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err tells how the program ended: nil for exit code 0. It may be called once Done is closed.
func (p *Process) Err() error { return p.err }

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal to the program's whole process group. A program that has ended already is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(-p.Pid(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s to %s: %w", sig, p.opts.Path, err)
	}
	return nil
}

// Stop asks the program to end, waits for it, and kills its process group when it does not. Calling it again is harmless.
// The error is nil unless the program had to be killed.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(p.opts.StopSignal); err != nil && !errors.Is(err, syscall.ESRCH) {
		select {
		case <-p.done: // it ended by itself meanwhile
			return nil
		case <-time.After(time.Second):
		}
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(p.opts.Grace):
	}
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
	return fmt.Errorf("%s did not end within %s and was killed", p.opts.Path, p.opts.Grace)
}
