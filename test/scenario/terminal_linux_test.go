package scenario

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal makes a pseudo terminal, a link to which has the name, and keeps what is written
// to it in a file. It is there for as long as the actor is.
func (a *actor) terminal(name string) error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetUint32(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return err
	}
	path := filepath.Join(a.dir, name)
	out, err := os.OpenFile(path+".out", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	if err := os.Symlink("/dev/pts/"+strconv.Itoa(int(n)), path); err != nil {
		return err
	}
	go func() {
		for {
			// Somebody must have it open, or there is nothing to read, not even later.
			slave, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
			if err != nil {
				return
			}
			_, _ = io.Copy(out, master) // until it is hung up
			slave.Close()
		}
	}()
	return nil
}
