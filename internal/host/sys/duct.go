//go:build unix

package sys

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// A Duct is a connected unix stream socket through which descriptors come and go
// with the bytes. Reading is for one goroutine, writing for one at a time.
type Duct struct {
	conn *net.UnixConn
	oob  []byte
}

// NewDuct is for a connection that nobody else reads or writes.
func NewDuct(c *net.UnixConn) *Duct { return &Duct{conn: c} }

// GrowSendBuffer has the kernel take so many bytes that are not read yet, as far as it
// lets us.
func (s *Duct) GrowSendBuffer(size int) {
	if raw, err := s.conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { growSendBuffer(int(fd), size) })
	}
}

// Read waits for bytes, and gives the descriptors that came with them, which are
// close-on-exec and the reader's to close. Descriptors that did not fit are an error.
func (s *Duct) Read(b []byte) (n int, fds []int, err error) {
	if s.oob == nil {
		s.oob = make([]byte, unix.CmsgSpace(4*MaxFDs))
	}
	n, oobn, flags, _, err := s.conn.ReadMsgUnix(b, s.oob)
	if oobn > 0 {
		fds = rights(s.oob[:oobn])
	}
	if err == nil && flags&unix.MSG_CTRUNC != 0 {
		err = errors.New("descriptors were lost")
	}
	return n, fds, err
}

func rights(oob []byte) (fds []int) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range got {
			unix.CloseOnExec(fd)
		}
		fds = append(fds, got...)
	}
	return fds
}

// Write writes what the kernel takes at once, the descriptors with the first byte of
// it, and says how much that was; nothing taken is no error.
func (s *Duct) Write(b []byte, fds []int) (n int, err error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		n, inner = unix.SendmsgN(int(fd), b, oob, nil, unix.MSG_DONTWAIT)
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(inner, unix.EAGAIN) || errors.Is(inner, unix.EINTR):
		return 0, nil
	case inner != nil:
		return 0, inner
	}
	return n, nil
}

// WriteAll writes all of it, waiting while the other side does not read, until the
// write deadline of the connection.
func (s *Duct) WriteAll(b []byte, fds []int) error {
	if len(fds) == 0 {
		_, err := s.conn.Write(b)
		return err
	}
	n, _, err := s.conn.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
	if err == nil && n < len(b) {
		_, err = s.conn.Write(b[n:])
	}
	return err
}

// CloseFDs closes descriptors.
func CloseFDs(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// SetDeadline bounds reading and writing from now on; zero is no bound.
func (s *Duct) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// Close ends reading and writing.
func (s *Duct) Close() error { return s.conn.Close() }
