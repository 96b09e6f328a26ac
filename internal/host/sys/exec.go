//go:build unix

package sys

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// KeepOverExec has a descriptor stay open when another program is executed. fcntl(2).
func KeepOverExec(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	return err
}

// Detach takes the descriptor out of a file, which is closed. Nothing reads it then
// until it is made a file again. The new one is close-on-exec.
func Detach(file *os.File) (fd int, err error) {
	fd = -1
	err = OnFile(file, func(n int) (err error) { fd, err = DupAbove(n, 3); return err })
	file.Close()
	return fd, err
}

// DuplicateOf copies the descriptor of a connection or a listener, close-on-exec.
func DuplicateOf(conn any) (fd int, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return -1, Unsupported("duplicate the descriptor of what has none")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var inner error
	err = raw.Control(func(n uintptr) { fd, inner = DupAbove(int(n), 3) })
	return fd, errors.Join(err, inner)
}

// ExecBlocked executes a program in the place of this one, with the signals blocked
// until that program takes them: they are pending meanwhile, and none is lost or ends
// it. It returns only if that fails, and then nothing has changed.
func ExecBlocked(path string, argv, env []string, signals []syscall.Signal) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unblock := block(signals)
	err := Exec(path, argv, env)
	unblock()
	return &os.PathError{Op: "execute", Path: path, Err: err}
}
