//go:build unix

package sys

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// OnFile runs f on the descriptor of a file, which stays open meanwhile; os.ErrClosed
// if it is closed.
func OnFile(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if conn.Control(func(fd uintptr) { inner = f(int(fd)) }) != nil {
		return os.ErrClosed // the only reason, by a name that package os keeps to itself
	}
	return inner
}

// MakeDirectory and RemoveDirectory are mkdir(2) and rmdir(2), and no more.
func MakeDirectory(path string, mode uint32) error {
	if err := unix.Mkdir(path, mode); err != nil {
		return &os.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

// RemoveDirectory removes an empty directory. rmdir(2).
func RemoveDirectory(path string) error {
	if err := unix.Rmdir(path); err != nil {
		return &os.PathError{Op: "rmdir", Path: path, Err: err}
	}
	return nil
}

// ReadSmall reads the beginning of a file that never blocks, such as those of the
// kernel, without the runtime's poller.
func ReadSmall(path string, buf []byte) (n int, err error) {
	fd, err := open(path)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	n, err = Read(fd, buf)
	unix.Close(fd)
	if err != nil {
		return 0, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return n, nil
}

// WriteSmall tells a file of the kernel something with one write.
func WriteSmall(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		unix.Close(fd)
	}
	if err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

// OpenStream opens a path for a standard stream, to read, to write or both, as no
// controlling terminal. It does not wait for the other end of a FIFO (ENXIO if
// nobody reads what is written), but what it gives blocks.
func OpenStream(path string, read, write, appending bool) (fd int, err error) {
	flags := unix.O_RDONLY
	switch {
	case read && write:
		flags = unix.O_RDWR
	case write:
		flags = unix.O_WRONLY
	}
	if appending {
		flags |= unix.O_APPEND
	}
	fd, err = unix.Open(path, flags|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// Owner gives the owner of what os.Stat described; -1 if it does not say.
func Owner(info os.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// Inode gives the number of the file that os.Stat described; 0 if it does not say.
func Inode(info os.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// Names is what uname(2) says of the system.
type Names struct{ System, Node, Release, Version, Machine string }

// Uname tells the names of the system.
func Uname() (Names, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Names{}, os.NewSyscallError("uname", err)
	}
	text := unix.ByteSliceToString
	return Names{
		System: text(u.Sysname[:]), Node: text(u.Nodename[:]), Release: text(u.Release[:]),
		Version: text(u.Version[:]), Machine: text(u.Machine[:]),
	}, nil
}

// CanWrite reports whether this process may write to a path. access(2).
func CanWrite(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// Pipe makes a pipe of which neither end blocks; both are close-on-exec.
func Pipe() (read, write int, err error) {
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		return -1, -1, os.NewSyscallError("pipe", err)
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			unix.Close(p[0])
			unix.Close(p[1])
			return -1, -1, os.NewSyscallError("fcntl", err)
		}
	}
	return p[0], p[1], nil
}

// Read reads what is there. EAGAIN if there is nothing. read(2).
func Read(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// Write writes what there is room for. EAGAIN if there is none. write(2).
func Write(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Write(fd, buf)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// More errors that rooms of the host tell apart.
const (
	EADDRINUSE      = unix.EADDRINUSE
	EADDRNOTAVAIL   = unix.EADDRNOTAVAIL
	ENAMETOOLONG    = unix.ENAMETOOLONG
	EPROTONOSUPPORT = unix.EPROTONOSUPPORT
	EAFNOSUPPORT    = unix.EAFNOSUPPORT
	EBUSY           = unix.EBUSY
	ECONNREFUSED    = unix.ECONNREFUSED
	EEXIST          = unix.EEXIST
	EIO             = unix.EIO
	ENODEV          = unix.ENODEV
	ENOTEMPTY       = unix.ENOTEMPTY
	EROFS           = unix.EROFS
)

// FileID tells files apart. Two descriptors of one file have the same.
type FileID struct{ dev, ino uint64 }

// String gives the numbers of device and inode, as $JOURNAL_STREAM has them.
func (id FileID) String() string { return fmt.Sprintf("%d:%d", id.dev, id.ino) }

// IDOf gives the identity of the file that a descriptor is of.
func IDOf(fd int) (FileID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileID{}, os.NewSyscallError("fstat", err)
	}
	return FileID{uint64(st.Dev), uint64(st.Ino)}, nil
}

// alike reports whether two descriptors are of one file, open for the same.
func alike(a, b int) bool {
	x, errX := IDOf(a)
	y, errY := IDOf(b)
	if errX != nil || errY != nil || x != y {
		return false
	}
	m, errM := unix.FcntlInt(uintptr(a), unix.F_GETFL, 0)
	n, errN := unix.FcntlInt(uintptr(b), unix.F_GETFL, 0)
	return errM == nil && errN == nil && m == n
}

// FileLimit is how many descriptors this process may have.
func FileLimit() (n uint64, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	return uint64(l.Cur), nil
}

// OpenMode is how Open opens a file.
type OpenMode int

// The ways to open a file.
const (
	OpenReadWrite OpenMode = unix.O_RDWR
	OpenReadOnly  OpenMode = unix.O_RDONLY
	OpenAppend    OpenMode = unix.O_RDWR | unix.O_APPEND
	OpenTruncate  OpenMode = unix.O_RDWR | unix.O_TRUNC
)

// Open opens a file that is there, without taking a terminal. The descriptor blocks
// and is close-on-exec.
func Open(path string, mode OpenMode) (fd int, err error) {
	for {
		fd, err = unix.Open(path, int(mode)|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// ConnectUnix connects to a unix socket of whatever type, in the file system. The
// descriptor blocks and is close-on-exec.
func ConnectUnix(path string) (fd int, err error) {
	for _, typ := range [...]int{Stream, DatagramT, SeqPacket} {
		fd, err = NewSocket(Address{Unix: path}, typ, 0)
		if err != nil {
			return -1, err
		}
		if err = SetNonblock(fd, false); err == nil {
			err = Connect(fd, Address{Unix: path})
		}
		if err == nil {
			return fd, nil
		}
		CloseFD(fd)
		if !errors.Is(err, unix.EPROTOTYPE) {
			break
		}
	}
	return -1, err
}

// ShutdownWrite ends the writing side of a connection.
func ShutdownWrite(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

// OpenDirectoryAt opens a directory in a directory.
func OpenDirectoryAt(dir *os.File, name string) (f *os.File, err error) {
	err = OnFile(dir, func(at int) error {
		const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Openat(at, name, flags, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: name, Err: err}
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

// CreateAt makes a new file in a directory, for its owner alone.
func CreateAt(dir *os.File, name string) (f *os.File, err error) {
	err = OnFile(dir, func(at int) error {
		const flags = unix.O_CREAT | unix.O_EXCL | unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Openat(at, name, flags, 0o600)
		if err != nil {
			return &os.PathError{Op: "create", Path: name, Err: err}
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

// RenameAt gives a file in a directory another name in it.
func RenameAt(dir *os.File, from, to string) error {
	return OnFile(dir, func(at int) error {
		if err := unix.Renameat(at, from, at, to); err != nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return nil
	})
}

// RemoveAt removes a file from a directory.
func RemoveAt(dir *os.File, name string) error {
	return OnFile(dir, func(at int) error { return unix.Unlinkat(at, name, 0) })
}

// TryLock locks a file for whoever has it open by this descriptor, and gives EAGAIN if
// somebody else has. flock(2).
func TryLock(f *os.File) error {
	return OnFile(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// OpenLock opens a file to lock it, and makes it for its owner alone if it is not there.
func OpenLock(path string) (*os.File, error) {
	const flags = unix.O_CREAT | unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOCTTY
	fd, err := unix.Open(path, flags, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// LockRecords locks a whole file for this process, as lockf(3) does, and gives EAGAIN or
// EACCES if another one has locked some of it. The lock ends when the process closes the
// file by any descriptor.
func LockRecords(f *os.File) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	return OnFile(f, func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &lock) })
}
