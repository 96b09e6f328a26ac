//go:build unix

package sys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// MaxFDs is how many descriptors fit in one message on Linux: SCM_MAX_FD.
const MaxFDs = 253

// Datagram describes a message that was received.
type Datagram struct {
	Size          int
	PID, UID, GID int // of the sender; HasSender says whether the system told
	HasSender     bool
	FDs           []int // close-on-exec; the receiver's to close
	Truncated     bool  // longer than the buffer
	Lost          bool  // with more descriptors than fit
}

// ListenDatagram makes a unix datagram socket at a path, for anyone to send to
// and with the senders' credentials, where the system has them (Linux). What was
// there before is removed. The file is watched by the Go runtime.
func ListenDatagram(path string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := bindDatagram(fd, path); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "listen", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func bindDatagram(fd int, path string) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	growReceiveBuffer(fd, 8<<20)
	return passCredentials(fd)
}

// A Receiver reads datagrams from one file. It is for one goroutine.
type Receiver struct {
	file *os.File
	buf  []byte
	oob  []byte
}

// NewReceiver makes a receiver of datagrams of up to size bytes.
func NewReceiver(f *os.File, size int) *Receiver {
	return &Receiver{
		file: f, buf: make([]byte, size), oob: make([]byte, unix.CmsgSpace(4*MaxFDs)+256),
	}
}

// Receive waits for a datagram. What it gives holds until the next one. It gives an
// error once the file is closed, which is not os.ErrClosed.
func (r *Receiver) Receive() (text []byte, d Datagram, err error) {
	conn, err := r.file.SyscallConn()
	if err != nil {
		return nil, d, err
	}
	var inner error
	err = conn.Read(func(fd uintptr) bool {
		d, inner = receive(int(fd), r.buf, r.oob)
		return !errors.Is(inner, unix.EAGAIN)
	})
	return r.buf[:d.Size], d, errors.Join(err, inner)
}

func receive(fd int, buf, oob []byte) (d Datagram, err error) {
	var n, oobn, flags int
	for {
		n, oobn, flags, _, err = unix.Recvmsg(fd, buf, oob, receiveFlags)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return d, os.NewSyscallError("recvmsg", err)
	}
	d.Size = n
	d.Truncated = flags&unix.MSG_TRUNC != 0
	d.Lost = flags&unix.MSG_CTRUNC != 0
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		d.Lost = true // cut off in the middle; what stands before it is lost too
		return d, nil
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			d.FDs = append(d.FDs, fds...)
			continue
		}
		readCredentials(&m, &d)
	}
	for _, fd := range d.FDs {
		unix.CloseOnExec(fd)
	}
	return d, nil
}

// Send sends text and descriptors through a connected unix socket, waiting until
// there is room.
func Send(f *os.File, text []byte, files ...*os.File) error {
	fds := make([]int, len(files))
	for i, file := range files {
		if err := OnFile(file, func(fd int) error { fds[i] = fd; return nil }); err != nil {
			return err
		}
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	return OnFile(f, func(fd int) error {
		return os.NewSyscallError("sendmsg", unix.Sendmsg(fd, text, oob, nil, 0))
	})
}

// DialDatagram connects to a unix socket for datagrams, a path or "@name".
func DialDatagram(address string) (*os.File, error) {
	a := Address{Unix: address}
	fd, err := NewSocket(a, DatagramT, 0)
	if err != nil {
		return nil, err
	}
	if err := Connect(fd, a); err != nil {
		CloseFD(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), address), nil
}
