package dbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

const (
	// authPatience is how long a client may take to say who it is.
	authPatience = 25 * time.Second
	// writePatience is how long a client may take nothing of what waits for it.
	writePatience = 30 * time.Second
	// calm is how many bytes may wait before calls of the same client wait, too.
	calm = 256 << 10
	// glut is how many bytes may wait when another message comes; then the client goes.
	glut = 32 << 20
	// spare is how much of a buffer is kept for what comes next.
	spare = 32 << 10
	// maxCall is the longest message that a client may send: as dbus-daemon has it on
	// the system bus.
	maxCall = 32 << 20
)

// A conn is one client of the private socket. Its reader handles one call after the
// other.
type conn struct {
	s      *Server
	nc     *net.UnixConn
	stream *sys.Duct
	peer   sys.Peer
	ctx    context.Context
	cancel context.CancelFunc

	in dbus.Reader // its TakesFDs: the client is sent descriptors as well

	mu      sync.Mutex
	ready   bool // is told of signals
	serial  uint32
	out     []chunk // waits to be written
	spare   []byte  // for the next chunk
	size    int     // bytes in out
	writing bool    // a goroutine is at it
	room    sync.Cond
	failed  error
	departs bool   // the client has asked for the re-execution
	kept    bool   // the connection goes on after it
	again   []byte // calls that are for the next manager
	writer  sync.WaitGroup
}

// A chunk is bytes to be written, with the descriptors that go with the first.
type chunk struct {
	b     []byte
	done  int // bytes of b that are written
	files []*os.File
}

func newConn(s *Server, nc *net.UnixConn, peer sys.Peer) *conn {
	c := &conn{s: s, nc: nc, stream: sys.NewDuct(nc), peer: peer}
	c.in = dbus.Reader{Source: c.stream.Read, Max: maxCall}
	c.room.L = &c.mu
	return c
}

// serve answers calls until the client goes, or does what it must not.
func (c *conn) serve(ctx context.Context) {
	c.ctx, c.cancel = context.WithCancel(ctx)
	stop := context.AfterFunc(c.ctx, func() { c.fail(net.ErrClosed) })
	defer func() {
		stop()
		c.cancel()
		if c.kept {
			return
		}
		c.fail(io.EOF)
		c.writer.Wait()
		sys.CloseFDs(c.in.Held())
	}()
	defer c.keep()
	if !c.isReady() && c.greet() != nil {
		return
	}
	if c.s.suspended() {
		c.suspend()
	}
	for len(c.again) == 0 {
		m, fds, err := c.next()
		if err != nil && c.s.suspended() && errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				c.s.log(fmt.Sprintf("private socket: process %d: %v; closing", c.peer.PID, err))
			}
			return
		}
		c.s.received(c.ctx, c, m, filesOf(fds))
		if !c.in.More() {
			c.flush()
		}
	}
	select { // what was put off is for the next manager
	case <-c.s.leave.Suspending():
	case <-c.ctx.Done():
	}
}

// greet has the client say who it is.
func (c *conn) greet() error {
	c.nc.SetReadDeadline(time.Now().Add(authPatience))
	if err := c.authenticate(); err != nil {
		return err
	}
	c.nc.SetReadDeadline(time.Time{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
	return nil
}

// next gives the next message. It does not look for one while too much waits to be
// read by the client.
func (c *conn) next() (*dbus.Message, []int, error) {
	if err := c.drained(); err != nil {
		return nil, nil, err
	}
	return c.in.Next()
}

// drained waits until not too much waits to be written.
func (c *conn) drained() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.size > calm && c.failed == nil {
		c.flushLocked()
		if c.size > calm && c.failed == nil {
			c.room.Wait()
		}
	}
	return c.failed
}

// checkBodies has each message of ours checked as those of others are. For tests.
var checkBodies bool

// serialAt is where the serial of a message is.
const serialAt = 8

// queue puts what was written as a message in the queue, with a serial of its own;
// flush sends it off. A client that leaves too much unread is dropped.
func (c *conn) queue(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.takes() {
		return
	}
	out := c.last(nil)
	start := len(out.b)
	out.b = append(out.b, b...)
	binary.LittleEndian.PutUint32(out.b[start+serialAt:], c.nextSerial())
	c.size += len(b)
}

// takes reports whether there is room for another message.
func (c *conn) takes() bool {
	if c.failed == nil && c.size > glut {
		c.failLocked(errors.New("the client does not read"))
		c.s.log(fmt.Sprintf("private socket: process %d does not read; closing", c.peer.PID))
	}
	return c.failed == nil
}

func (c *conn) nextSerial() uint32 {
	c.serial++
	if c.serial == 0 {
		c.serial = 1
	}
	return c.serial
}

// last is the chunk that the next message goes to. One with descriptors begins a new one.
func (c *conn) last(files []*os.File) *chunk {
	if len(c.out) == 0 || len(files) > 0 {
		c.out = append(c.out, chunk{b: c.spare[:0], files: files})
		c.spare = nil
	}
	return &c.out[len(c.out)-1]
}

// answer implements link.
func (c *conn) answer(m *dbus.Message, files []*os.File) {
	if !c.in.TakesFDs && len(files) > 0 {
		closeFiles(files)
		files = nil
		m = failure(m.ReplySerial, errorPrefix+"NotSupported",
			"Reply carries file descriptors, and this connection takes none.")
	}
	m.FDs, m.Destination = uint32(len(files)), ""
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.takes() {
		closeFiles(files)
		return
	}
	if err := c.write1(m, files); err != nil {
		c.s.log(fmt.Sprintf("private socket: answer: %v", err))
		m = failure(m.ReplySerial, errorPrefix+"Failed", "The answer is not a valid one.")
		_ = c.write1(m, nil)
	}
}

// write1 writes a message into the queue.
func (c *conn) write1(m *dbus.Message, files []*os.File) (err error) {
	m.Serial = c.nextSerial()
	write := m.AppendChecked
	if checkBodies {
		write = m.Append
	}
	out := c.last(files)
	if len(out.b) == 0 && len(m.Body) > spare {
		out.b = *large.Get().(*[]byte)
	}
	before := len(out.b)
	out.b, err = write(out.b)
	c.size += len(out.b) - before
	return err
}

// flush writes what can be written at once; the rest is left to a goroutine.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushLocked()
}

func (c *conn) flushLocked() {
	for len(c.out) > 0 && !c.writing && c.failed == nil {
		first := &c.out[0]
		n, err := c.stream.Write(first.b[first.done:], fdsOf(first.files))
		switch {
		case err != nil:
			c.failLocked(err)
		case n == 0:
			c.writing = true
			c.writer.Go(c.write)
		default:
			c.took(n)
		}
	}
}

// reuse takes a buffer back: a small one for this client, a large one for the next who
// needs one.
func (c *conn) reuse(b []byte) {
	switch {
	case cap(b) <= spare:
		c.spare = b
	case cap(b) <= 1<<20:
		b = b[:0]
		large.Put(&b)
	}
}

// large are buffers for answers that are longer than what a client keeps.
var large = sync.Pool{New: func() any { return new([]byte) }}

// took notes that n bytes of the first chunk are written, and its descriptors.
func (c *conn) took(n int) {
	first := &c.out[0]
	closeFiles(first.files)
	first.files = nil
	first.done += n
	c.size -= n
	if first.done == len(first.b) {
		c.reuse(first.b)
		c.out[0] = chunk{}
		if c.out = c.out[1:]; len(c.out) == 0 {
			c.out = nil
		}
	}
	c.room.Broadcast()
}

// write writes what waits, as the client reads it.
func (c *conn) write() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 && c.failed == nil {
		first := c.out[0]
		c.out[0] = chunk{b: nil, files: nil}
		c.out = c.out[1:]
		c.mu.Unlock()
		c.nc.SetWriteDeadline(time.Now().Add(writePatience))
		err := c.stream.WriteAll(first.b[first.done:], fdsOf(first.files))
		c.nc.SetWriteDeadline(time.Time{})
		closeFiles(first.files)
		c.mu.Lock()
		c.reuse(first.b)
		c.size -= len(first.b) - first.done
		if err != nil {
			c.failLocked(err)
		}
		c.room.Broadcast()
	}
	c.writing = false
	if c.failed == nil {
		c.writer.Go(c.s.catchUp)
	}
}

// isBusy reports whether much waits for the client to read it.
func (c *conn) isBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready && c.size > calm
}

// fail closes the connection. The first reason counts.
func (c *conn) fail(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(why)
}

func (c *conn) failLocked(why error) {
	if c.failed != nil {
		return
	}
	c.failed, c.ready = why, false
	for _, o := range c.out {
		closeFiles(o.files)
	}
	c.out, c.size = nil, 0
	c.nc.Close()
	c.room.Broadcast()
}

func (c *conn) isReady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

func fdsOf(files []*os.File) []int {
	if len(files) == 0 {
		return nil
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return fds
}

func filesOf(fds []int) (files []*os.File) {
	for _, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), "descriptor of a client"))
	}
	return files
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
