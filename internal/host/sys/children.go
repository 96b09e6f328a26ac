//go:build unix

package sys

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"rouse/internal/unit/value"
)

// ChildSignal is sent when a child ends: SIGCHLD.
const ChildSignal = syscall.SIGCHLD

// Death is how a child ended: by exiting with Status, or by Signal (then maybe
// with a core dump).
type Death struct {
	PID    int
	Status int          // if Signal is 0
	Signal value.Signal // 0: it exited
	Dumped bool
}

// ReapChild takes a dead child from the process table: the one with that pid, or
// any if pid is -1. ok is false if there is none that is dead. wait4(2).
func ReapChild(pid int) (d Death, ok bool, err error) {
	var ws unix.WaitStatus
	for {
		got, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return Death{}, false, nil
		case err != nil:
			return Death{}, false, os.NewSyscallError("wait4", err)
		case got <= 0:
			return Death{}, false, nil
		case ws.Signaled():
			sig := LinuxSignal(int(ws.Signal()))
			return Death{PID: got, Signal: sig, Dumped: ws.CoreDump()}, true, nil
		case ws.Exited():
			return Death{PID: got, Status: ws.ExitStatus()}, true, nil
		}
		// Stopped or continued; we did not ask for that. Look again.
	}
}

// linuxSignals gives this system's name for each signal that has another number
// than on Linux on some system. Those without a native equal are missing.
var linuxSignals = map[value.Signal]syscall.Signal{
	1: unix.SIGHUP, 2: unix.SIGINT, 3: unix.SIGQUIT, 4: unix.SIGILL, 5: unix.SIGTRAP,
	6: unix.SIGABRT, 7: unix.SIGBUS, 8: unix.SIGFPE, 9: unix.SIGKILL, 10: unix.SIGUSR1,
	11: unix.SIGSEGV, 12: unix.SIGUSR2, 13: unix.SIGPIPE, 14: unix.SIGALRM,
	15: unix.SIGTERM, 17: unix.SIGCHLD, 18: unix.SIGCONT, 19: unix.SIGSTOP,
	20: unix.SIGTSTP, 21: unix.SIGTTIN, 22: unix.SIGTTOU, 23: unix.SIGURG,
	24: unix.SIGXCPU, 25: unix.SIGXFSZ, 26: unix.SIGVTALRM, 27: unix.SIGPROF,
	28: unix.SIGWINCH, 29: unix.SIGIO, 31: unix.SIGSYS,
}

// NativeSignal is this system's number of a signal; ok is false if it has none.
func NativeSignal(s value.Signal) (n syscall.Signal, ok bool) {
	if runtime.GOOS == "linux" {
		return syscall.Signal(s), s > 0 && s < 65
	}
	n, ok = linuxSignals[s]
	return n, ok
}

// BrokenPipe is sent to whoever writes where nobody reads: SIGPIPE.
const BrokenPipe = syscall.SIGPIPE

// AllSignals lists the signals that would end a process or stop it and can be
// taken, but SIGCHLD, those of faults, and SIGURG, which the Go runtime uses.
func AllSignals() []syscall.Signal {
	var list []syscall.Signal
	for n := 1; n < 65; n++ {
		switch s := syscall.Signal(n); s {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGURG, unix.SIGSEGV, unix.SIGBUS,
			unix.SIGFPE, unix.SIGILL, unix.SIGABRT, unix.SIGTRAP, unix.SIGSYS:
		default:
			if _, ok := NativeSignal(LinuxSignal(n)); ok && n != 32 && n != 33 {
				list = append(list, s)
			}
		}
	}
	return list
}

// LinuxSignal is the number on Linux of one of this system's signals; 0 if Linux
// has none.
func LinuxSignal(n int) value.Signal {
	if runtime.GOOS == "linux" {
		return value.Signal(n)
	}
	for s, native := range linuxSignals {
		if int(native) == n {
			return s
		}
	}
	return 0
}

// Kill sends a signal to a process, or to the process group -pid if pid is
// negative. No signal (0) only asks whether it could be sent. ESRCH is for
// processes that are gone. kill(2).
func Kill(pid int, s value.Signal) error {
	if s == 0 {
		return unix.Kill(pid, 0)
	}
	n, ok := NativeSignal(s)
	if !ok {
		return Unsupported("signal " + s.String())
	}
	return unix.Kill(pid, n)
}

// ProcessGroup and Session are those of a process. getpgid(2), getsid(2).
func ProcessGroup(pid int) (int, error) { return unix.Getpgid(pid) }

// Session is the session of a process. getsid(2).
func Session(pid int) (int, error) { return unix.Getsid(pid) }
