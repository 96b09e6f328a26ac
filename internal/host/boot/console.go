package boot

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"rouse/internal/host/sys"
)

// queueMax is how many lines wait for a console that is slow.
const queueMax = 1000

// A Console writes lines to the console from a goroutine of its own. Whoever
// writes does not wait: when too many lines wait, new ones are counted and dropped.
type Console struct {
	path  string
	lines chan []byte
	done  chan struct{}

	mu      sync.Mutex
	dropped int
	closed  bool
}

// OpenConsole opens a console: path, "" for /dev/console; standard error if that
// cannot be opened.
func OpenConsole(path string) *Console {
	if path == "" {
		path = "/dev/console"
	}
	c := &Console{path: path, lines: make(chan []byte, queueMax), done: make(chan struct{})}
	go c.run()
	return c
}

// Write takes one line, with its end. It always succeeds.
func (c *Console) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return len(line), nil
	}
	select {
	case c.lines <- append([]byte(nil), line...):
	default:
		c.dropped++
	}
	return len(line), nil
}

// Close waits until what was taken is written.
func (c *Console) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.lines)
	}
	c.mu.Unlock()
	<-c.done
}

func (c *Console) run() {
	defer close(c.done)
	var out *os.File
	for line := range c.lines {
		out = c.print(out, line)
		c.mu.Lock()
		n := c.dropped
		c.dropped = 0
		c.mu.Unlock()
		if n > 0 {
			out = c.print(out, fmt.Appendf(nil, "%d lines were dropped: the console is slow\n", n))
		}
	}
	if out != nil && out != os.Stderr {
		out.Close()
	}
}

// print writes, opening the console anew if it has been hung up, as a login on it
// does.
func (c *Console) print(out *os.File, line []byte) *os.File {
	for range 2 {
		if out == nil {
			out = c.open()
		}
		_, err := out.Write(line)
		if err == nil || out == os.Stderr || !errors.Is(err, sys.EIO) {
			return out
		}
		out.Close()
		out = nil
	}
	return out
}

func (c *Console) open() *os.File {
	fd, err := sys.OpenStream(c.path, false, true, true)
	if err != nil {
		return os.Stderr
	}
	return os.NewFile(uintptr(fd), c.path)
}
