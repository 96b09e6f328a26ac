package varlink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A conn is one connection. Its goroutine reads a request, answers it, and reads the next.
type conn struct {
	s   *Server
	nc  *net.UnixConn
	ctx context.Context

	mu sync.Mutex // between a look at what is to end and the deadline that follows from it
}

// serve answers requests until there are no more. input is what has been read already.
func (c *conn) serve(input []byte) {
	defer c.nc.Close()
	stop := context.AfterFunc(c.ctx, c.hurry)
	defer stop()
	leave := &c.s.leave
	leave.enter(c)
	defer leave.exit(c)
	for {
		request, rest, err := c.next(input)
		input = rest
		if err != nil {
			if c.s.suspended() && errors.Is(err, os.ErrDeadlineExceeded) && c.ctx.Err() == nil {
				leave.keep(c, input)
			}
			return // or closed, idle, too long: nobody to tell
		}
		replies, ok := c.s.answer(c.ctx, request)
		if !ok || !c.send(replies) {
			return
		}
	}
}

// errTooLong is given for a request beyond the limit; the stream is then lost.
var errTooLong = errors.New("request too long")

// next gives the next request, without the byte that ends it, and what has been read of
// further ones; with an error, all that has been read.
func (c *conn) next(input []byte) (request, rest []byte, err error) {
	c.await()
	var buf [4096]byte
	for from := 0; ; {
		if at := bytes.IndexByte(input[from:], 0); at >= 0 {
			return input[:from+at], input[from+at+1:], nil
		}
		if from = len(input); from > maxRequest {
			return nil, nil, errTooLong
		}
		n, err := c.nc.Read(buf[:])
		if err != nil {
			return nil, input, err
		}
		input = append(input[:from:from], buf[:n]...)
	}
}

// await sets until when a whole request must have come.
func (c *conn) await() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Now().Add(orDuration(c.s.Idle, defaultIdle))
	if c.ctx.Err() != nil || c.s.suspended() {
		at = time.Unix(1, 0)
	}
	c.nc.SetReadDeadline(at)
}

// hurry has the reader see at once that the server ends.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nc.SetReadDeadline(time.Unix(1, 0))
	c.nc.SetWriteDeadline(time.Now().Add(suspendedWrite))
}

// send writes what answers one request. It is false if the client does not take it.
func (c *conn) send(replies []reply) bool {
	var out bytes.Buffer
	w := json.NewEncoder(&out)
	w.SetEscapeHTML(false)
	for _, r := range replies {
		if w.Encode(r) != nil {
			return false
		}
		out.Bytes()[out.Len()-1] = 0 // a newline
	}
	patience := orDuration(c.s.Write, defaultWrite)
	if c.s.suspended() || c.ctx.Err() != nil {
		patience = min(patience, suspendedWrite)
	}
	c.nc.SetWriteDeadline(time.Now().Add(patience))
	_, err := c.nc.Write(out.Bytes())
	return err == nil
}
