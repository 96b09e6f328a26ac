// Package sys is the one door to the kernel: the only importer of syscall and
// golang.org/x/sys/unix. It knows system calls, their constants and structures
// on each system, and nothing of units. It answers for no man page of systemd;
// each file names the calls it is about and the releases that brought them.
package sys

import (
	"errors"
	"fmt"
	"runtime"
)

// ErrUnsupported is what every call gives that this system has not got. The
// errors that Unsupported makes match it, and errors.ErrUnsupported, with
// errors.Is.
var ErrUnsupported = fmt.Errorf("on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// Unsupported is the error of an operation that this system has not got:
// "inotify watch: on openbsd: unsupported operation".
func Unsupported(op string) error { return fmt.Errorf("%s: %w", op, ErrUnsupported) }
