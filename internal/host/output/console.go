package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"rouse/internal/host/sys"
)

// lineMax is the longest line that is kept in one piece; longer ones are cut.
const lineMax = 4096

// pump brings what one process writes to the console.
type pump struct {
	r     *Router
	unit  string
	strip bool // SyslogLevelPrefix=
	pid   atomic.Int64
	file  *os.File // the reading end
	keep  atomic.Bool
	left  []byte // the beginning of a line
}

// console opens a pipe to a pump. Standard error gets one of its own only if
// standard output goes elsewhere.
func (o *opener) console() (int, error) {
	read, write, err := sys.Pipe()
	if err != nil {
		return -1, err
	}
	if err := sys.SetNonblock(write, false); err != nil {
		sys.CloseFD(read)
		sys.CloseFD(write)
		return -1, err
	}
	p := o.r.start(Saved{FD: read, Unit: o.q.Unit, Strip: o.x.SyslogLevelPrefix})
	o.s.pumps = append(o.s.pumps, p)
	return o.keep(write, nil)
}

// Saved is a pipe whose other end a service has, kept over a re-exec.
type Saved struct {
	FD    int // the reading end
	Unit  string
	PID   int
	Strip bool   // of <level> before each line
	Left  []byte // what was read of an unfinished line
}

func (r *Router) start(s Saved) *pump {
	p := &pump{r: r, unit: s.Unit, strip: s.Strip, left: s.Left}
	p.pid.Store(int64(s.PID))
	p.file = os.NewFile(uintptr(s.FD), "output of "+s.Unit)
	r.mu.Lock()
	r.pumps[p] = true
	r.mu.Unlock()
	r.wait.Go(p.run)
	return p
}

// Restore goes on with the pipes that Suspend gave.
func (r *Router) Restore(list []Saved) {
	for _, s := range list {
		r.start(s)
	}
}

// Suspend stops all pumps and gives their pipes, for a re-exec. If the console
// does not take a line, it waits.
func (r *Router) Suspend() []Saved {
	var list []Saved
	for _, p := range r.stop(true) {
		fd := -1
		sys.OnFile(p.file, func(n int) (err error) { fd, err = sys.DupAbove(n, 3); return err })
		p.file.Close()
		if fd >= 0 {
			list = append(list, Saved{
				FD: fd, Unit: p.unit, PID: int(p.pid.Load()), Strip: p.strip, Left: p.left,
			})
		}
	}
	return list
}

// Close brings what is in the pipes by now to the console and closes them.
func (r *Router) Close() { r.stop(false) }

// stop ends all pumps, and gives those that have not come to the end of their pipe.
func (r *Router) stop(keep bool) (open []*pump) {
	r.mu.Lock()
	for p := range r.pumps {
		p.keep.Store(keep)
		// The pump notices, reads what is there without waiting, and ends.
		p.file.SetReadDeadline(time.Unix(1, 0))
		open = append(open, p)
	}
	r.mu.Unlock()
	r.wait.Wait()
	if !keep {
		return nil
	}
	kept := open[:0]
	for _, p := range open {
		if p.keep.Load() {
			kept = append(kept, p)
		}
	}
	return kept
}

func (p *pump) run() {
	buf := make([]byte, lineMax)
	for {
		n, err := p.file.Read(buf)
		p.take(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = p.drain(buf)
		}
		if err == nil {
			continue
		}
		p.r.mu.Lock()
		delete(p.r.pumps, p)
		p.r.mu.Unlock()
		if p.keep.Load() && !errors.Is(err, io.EOF) {
			return // Suspend takes over
		}
		p.keep.Store(false)
		if len(p.left) > 0 {
			p.print(p.left)
		}
		p.file.Close()
		return
	}
}

// drain reads what is in the pipe and does not wait for more. It gives io.EOF if
// nobody can write any more, else os.ErrDeadlineExceeded.
func (p *pump) drain(buf []byte) error {
	for {
		n := 0
		err := sys.OnFile(p.file, func(fd int) (err error) { n, err = sys.Read(fd, buf); return err })
		if err != nil {
			return os.ErrDeadlineExceeded
		}
		if n <= 0 {
			return io.EOF
		}
		p.take(buf[:n])
	}
}

// take prints the lines that are complete and keeps the rest.
func (p *pump) take(text []byte) {
	for len(text) > 0 {
		line, rest, complete := bytes.Cut(text, []byte{'\n'})
		if room := lineMax - len(p.left); len(line) > room {
			line, rest, complete = text[:room], text[room:], true
		}
		p.left = append(p.left, line...)
		if complete {
			p.print(p.left)
			p.left = p.left[:0]
		}
		text = rest
	}
}

// print writes one line. Control characters other than tabs and escapes, which
// make colours, do not get to the console.
func (p *pump) print(line []byte) {
	if p.strip && len(line) >= 3 && line[0] == '<' && line[2] == '>' &&
		line[1] >= '0' && line[1] <= '7' {
		line = line[3:]
	}
	text := fmt.Appendf(nil, "%s: ", p.unit)
	if pid := p.pid.Load(); pid > 0 {
		text = fmt.Appendf(nil, "%s[%d]: ", p.unit, pid)
	}
	for _, c := range line {
		if c < ' ' && c != '\t' && c != 0x1b || c == 0x7f {
			c = ' '
		}
		text = append(text, c)
	}
	text = append(bytes.TrimRight(text, " "), '\n')
	p.r.writing.Lock()
	defer p.r.writing.Unlock()
	p.r.config.Console.Write(text)
}
