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

// Options configures a child.
type Options struct {
	Path   string
	Args   []string
	Dir    string
	Env    []string
	Stdout io.Writer
	Stderr io.Writer
	// StopSignal is also the kernel's signal when the supervisor dies. Default SIGTERM.
	StopSignal syscall.Signal
	// Grace is the time from StopSignal to SIGKILL. Default 10 s.
	Grace      time.Duration
	Attributes func(*syscall.SysProcAttr)
}

// Process is a running child, safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	opts Options
	done chan struct{}
	err  error
}

// Start runs the program. Its locked thread carries Linux's parent-death signal.
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
	// A grandchild with a copied pipe must not block Wait.
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

func (p *Process) supervise(started chan<- error) {
	runtime.LockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	close(p.done)
}

// Done closes when the program ends.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns the program's end; call it after Done closes.
func (p *Process) Err() error { return p.err }

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal signals the process group; an ended program is no error.
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

// Stop ends the program, after Grace by SIGKILL to its group, which is an error. It is idempotent.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(p.opts.StopSignal); err != nil && !errors.Is(err, syscall.ESRCH) {
		select {
		case <-p.done:
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
