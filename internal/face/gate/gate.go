// Package gate is what the faces share of a socket: it gets its name once it is ready,
// whoever connects is let in until the server ends, and before a re-execution the socket
// and its connections are put aside for the next program.
package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rouse/internal/host/sys"
)

// Listen makes a socket with a mode, in the place of one that is there, and its directory
// with 0755.
func Listen(path string, mode fs.FileMode) (*net.UnixListener, error) {
	fail := func(err error) (*net.UnixListener, error) {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fail(err)
	}
	// The mode is set before anyone can connect: the socket gets its name only then.
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return fail(err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(temp, mode); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		l.Close()
		os.Remove(temp)
		return fail(err)
	}
	return l, nil
}

// Listener gives the socket that the program before has left as this descriptor; -1 is
// that it has left none.
func Listener(fd int) (*net.UnixListener, error) {
	if fd < 0 {
		return nil, errors.New("a listening socket was not handed over")
	}
	f := os.NewFile(uintptr(fd), "listening socket")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
		return u, nil
	}
	l.Close()
	return nil, fmt.Errorf("a listening socket is a %T", l)
}

// Connection gives the connection that the program before has left as this descriptor.
func Connection(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UnixConn); ok {
		return u, nil
	}
	c.Close()
	return nil, fmt.Errorf("a connection is a %T", c)
}

// backlogged is how long who connects waits if there are no descriptors, or no memory.
const backlogged = 100 * time.Millisecond

// A Gate is how a server and the goroutines of its connections agree on the end. The zero
// value is open.
type Gate struct {
	once  sync.Once
	asked chan struct{} // closed when all is to be left as it is
	done  chan struct{} // closed when Serve returns

	listener int // that was put aside; -1 is none
}

func (g *Gate) ready() {
	g.once.Do(func() {
		g.asked, g.done, g.listener = make(chan struct{}), make(chan struct{}), -1
	})
}

// Suspending is closed when the server is to leave everything as it is.
func (g *Gate) Suspending() <-chan struct{} {
	g.ready()
	return g.asked
}

// Suspended reports that Suspend was called.
func (g *Gate) Suspended() bool {
	select {
	case <-g.Suspending():
		return true
	default:
		return false
	}
}

// Suspend has Serve let nobody in any more, and put the socket aside. It is called once.
func (g *Gate) Suspend() {
	g.ready()
	close(g.asked)
}

// Left waits until Serve has returned, and gives a descriptor of the socket; -1 is that it
// could not be kept.
func (g *Gate) Left() int {
	g.ready()
	<-g.done
	return g.listener
}

// Serve lets in whoever connects, until ctx ends, l fails, or Suspend is called: enter is
// called with each connection, in turn, and starts goroutines with wg; ctx ends when those
// are to end. begin is called before, if it is set. Serve returns when all of them have,
// and closes l. Without l, there is nothing to do.
func (g *Gate) Serve(
	ctx context.Context, l *net.UnixListener, begin func(context.Context, *sync.WaitGroup),
	enter func(context.Context, *sync.WaitGroup, *net.UnixConn),
) error {
	g.ready()
	defer close(g.done)
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg, watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-g.asked:
			l.SetDeadline(time.Unix(1, 0))
		case <-ctx.Done():
			l.Close()
		}
	})
	defer func() {
		if !g.Suspended() {
			cancel()
		}
		wg.Wait()
		cancel()
		watch.Wait()
		l.Close()
	}()
	if begin != nil {
		begin(ctx, &wg)
	}
	return g.accept(ctx, l, func(c *net.UnixConn) { enter(ctx, &wg, c) })
}

func (g *Gate) accept(ctx context.Context, l *net.UnixListener, enter func(*net.UnixConn)) error {
	for {
		c, err := l.AcceptUnix()
		switch {
		case err != nil && g.Suspended():
			if fd, err := sys.DuplicateOf(l); err == nil {
				g.listener = fd
			}
			return nil
		case ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case isTemporary(err):
			select {
			case <-time.After(backlogged):
			case <-ctx.Done():
			}
		case err != nil:
			return err
		default:
			enter(c)
		}
	}
}

// isTemporary reports whether Accept may succeed later.
func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}
