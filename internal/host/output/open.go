package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// opener opens the streams of one process.
type opener struct {
	r *Router
	q Request
	x *unit.Exec
	s *Streams
}

// keep notes a descriptor as one to be closed after the spawn.
func (o *opener) keep(fd int, err error) (int, error) {
	if err == nil {
		o.s.own = append(o.s.own, fd)
	}
	return fd, err
}

// stdin is StandardInput= as it is carried out: null without data or a socket to
// take it from; data, if there are any, is the default.
func (o *opener) stdin() unit.Stdio {
	switch i := o.x.Stdin; i {
	case unit.StdioUnset, unit.StdioNull:
		if len(o.x.StdinData) > 0 {
			return unit.StdioData
		}
		return unit.StdioNull
	case unit.StdioInherit, unit.StdioJournal, unit.StdioJournalConsole,
		unit.StdioKmsg, unit.StdioKmsgConsole, unit.StdioAppend, unit.StdioTruncate, unit.Stdios:
		return unit.StdioNull
	case unit.StdioData:
		if len(o.x.StdinData) == 0 {
			return unit.StdioNull
		}
		return i
	case unit.StdioSocket:
		if o.q.Socket < 0 {
			return unit.StdioNull
		}
		return i
	case unit.StdioTTY, unit.StdioTTYForce, unit.StdioTTYFail, unit.StdioFD, unit.StdioFile:
		return i
	}
	return unit.StdioNull
}

func isTerminal(s unit.Stdio) bool {
	return s == unit.StdioTTY || s == unit.StdioTTYForce || s == unit.StdioTTYFail
}

func (o *opener) tty() string { return TerminalOf(o.x) }

func (o *opener) input() (int, error) {
	if fd, ok := o.given(0); ok {
		return fd, nil
	}
	switch i := o.stdin(); i {
	case unit.StdioTTY, unit.StdioTTYForce, unit.StdioTTYFail:
		o.s.Terminal = true
		sizeTerminal(o.x)
		return o.keep(sys.OpenStream(o.tty(), true, true, false))
	case unit.StdioData:
		return o.keep(data(o.x.StdinData))
	case unit.StdioSocket:
		return o.socket()
	case unit.StdioFD:
		return o.named(o.x.StdinFDName, "stdin")
	case unit.StdioFile:
		return o.file(o.x.StdinFile, unit.StdioFile, o.sharesFile())
	case unit.StdioNull, unit.StdioUnset, unit.StdioInherit, unit.StdioJournal,
		unit.StdioJournalConsole, unit.StdioKmsg, unit.StdioKmsgConsole, unit.StdioAppend,
		unit.StdioTruncate, unit.Stdios:
	}
	return null, nil
}

// sharesFile reports whether the file of standard input is written too.
func (o *opener) sharesFile() bool {
	return isFile(o.x.Stdout) && o.x.StdoutFile == o.x.StdinFile ||
		isFile(o.x.Stderr) && o.x.StderrFile == o.x.StdinFile
}

func isFile(s unit.Stdio) bool {
	return s == unit.StdioFile || s == unit.StdioAppend || s == unit.StdioTruncate
}

// outputs are StandardOutput= and StandardError= as they are carried out. Both
// are "inherit" if not set. That means the input's descriptor if it can be written
// as well, and else the manager's defaults, also where a unit says it itself.
func (o *opener) outputs() (out, e unit.Stdio) {
	out, e = o.x.Stdout, o.x.Stderr
	if out == unit.StdioUnset {
		out = unit.StdioInherit
	}
	if e == unit.StdioUnset {
		e = unit.StdioInherit
	}
	in := o.x.Stdin
	if !isTerminal(in) && in != unit.StdioSocket && in != unit.StdioFD {
		if e == unit.StdioInherit && out == unit.StdioInherit {
			e = o.r.config.DefaultError
		}
		if out == unit.StdioInherit {
			out = o.r.config.Default
		}
	}
	if o.q.Socket < 0 && out == unit.StdioSocket {
		out = unit.StdioInherit
	}
	if o.q.Socket < 0 && e == unit.StdioSocket {
		e = unit.StdioInherit
	}
	return out, e
}

func (o *opener) output() (int, error) {
	if fd, ok := o.given(1); ok {
		return fd, nil
	}
	out, _ := o.outputs()
	if out != unit.StdioInherit {
		return o.write(out, o.x.StdoutFile, o.x.StdoutFDName, "stdout")
	}
	in := o.stdin()
	switch {
	case in == unit.StdioNull && isTerminal(o.x.Stdin):
		return o.keep(sys.OpenStream(o.tty(), false, true, false))
	case in != unit.StdioNull && in != unit.StdioData:
		return o.s.In, nil
	case o.r.config.Inherit:
		return 1, nil
	}
	return null, nil
}

// given is the descriptor that somebody has passed for a stream.
func (o *opener) given(stream int) (fd int, ok bool) {
	if o.q.Given == nil || o.q.Given[stream] < 0 {
		return 0, false
	}
	return o.q.Given[stream], true
}

func (o *opener) errors() (int, error) {
	if fd, ok := o.given(2); ok {
		return fd, nil
	}
	out, e := o.outputs()
	if e == unit.StdioInherit && out == unit.StdioInherit && o.stdin() == unit.StdioNull &&
		!isTerminal(o.x.Stdin) && o.r.config.Inherit {
		return 2, nil
	}
	if o.sameAsOutput(e, out) {
		return o.s.Out, nil
	}
	return o.write(e, o.x.StderrFile, o.x.StderrFDName, "stderr")
}

// sameAsOutput reports whether standard error goes where standard output does.
func (o *opener) sameAsOutput(e, out unit.Stdio) bool {
	switch {
	case e == unit.StdioInherit:
		return true
	case e != out:
		return false
	case e == unit.StdioFD:
		return orDefault(o.x.StderrFDName, "stderr") == orDefault(o.x.StdoutFDName, "stdout")
	case isFile(e):
		return o.x.StderrFile == o.x.StdoutFile
	}
	return true
}

func orDefault(s, byDefault string) string {
	if s == "" {
		return byDefault
	}
	return s
}

// write opens what output goes to.
func (o *opener) write(s unit.Stdio, path, fdname, stream string) (int, error) {
	switch s {
	case unit.StdioTTY, unit.StdioTTYForce, unit.StdioTTYFail:
		if isTerminal(o.stdin()) {
			return o.s.In, nil
		}
		return o.keep(sys.OpenStream(o.tty(), false, true, false))
	case unit.StdioJournal, unit.StdioJournalConsole, unit.StdioKmsg, unit.StdioKmsgConsole:
		return o.log(s)
	case unit.StdioSocket:
		return o.socket()
	case unit.StdioFD:
		return o.named(fdname, stream)
	case unit.StdioFile, unit.StdioAppend, unit.StdioTruncate:
		if o.stdin() == unit.StdioFile && path == o.x.StdinFile {
			return o.s.In, nil
		}
		return o.file(path, s, true)
	case unit.StdioNull, unit.StdioUnset, unit.StdioInherit, unit.StdioData, unit.Stdios:
	}
	return null, nil
}

// socket gives the connection. Programs expect their standard streams to block.
func (o *opener) socket() (int, error) { return o.q.Socket, sys.SetNonblock(o.q.Socket, false) }

func (o *opener) named(fdname, stream string) (int, error) {
	name := orDefault(fdname, stream)
	if o.q.Named != nil {
		if fd := o.q.Named(name); fd >= 0 {
			return fd, nil
		}
	}
	return -1, fmt.Errorf("fd:%s: %w", name, ErrNoDescriptor)
}

// file opens a file for a stream: to read, to write, or both if it is that of
// standard input. What is written is created with UMask=. A unix socket in its
// place is connected to.
func (o *opener) file(path string, s unit.Stdio, write bool) (int, error) {
	if !filepath.IsAbs(path) {
		return -1, fmt.Errorf("%q: not an absolute path", path)
	}
	read := path == o.x.StdinFile && o.stdin() == unit.StdioFile
	if write {
		if err := create(path, 0o666&^o.x.UMask); err != nil {
			return -1, err
		}
	}
	fd, err := sys.OpenStream(path, read, write, s == unit.StdioAppend)
	if errors.Is(err, sys.ENXIO) {
		info, statErr := os.Stat(path)
		switch {
		case statErr == nil && info.Mode()&os.ModeSocket != 0:
			return o.keep(connect(path))
		case statErr == nil && info.Mode()&os.ModeNamedPipe != 0:
			// Nobody reads it yet. With both ends it opens without waiting.
			return o.keep(sys.OpenStream(path, true, true, false))
		}
	}
	if err == nil && s == unit.StdioTruncate {
		if err := os.Truncate(path, 0); err != nil && !errors.Is(err, sys.EINVAL) {
			sys.CloseFD(fd)
			return -1, err
		}
	}
	return o.keep(fd, err)
}

// create makes the file if there is none, with just this mode.
func create(path string, mode value.Mode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(os.FileMode(mode)), f.Close())
}

// connect connects to a socket in the file system.
func connect(path string) (fd int, err error) {
	a := sys.Address{Unix: path}
	fd, err = sys.NewSocket(a, sys.Stream, 0)
	if err != nil {
		return -1, err
	}
	err = sys.Connect(fd, a)
	if err == nil {
		err = sys.SetNonblock(fd, false)
	}
	if err != nil {
		sys.CloseFD(fd)
		return -1, fmt.Errorf("connect to %s: %w", path, err)
	}
	return fd, nil
}

// data gives a descriptor to read text from, and to go back in it.
func data(text []byte) (fd int, err error) {
	f, err := sys.DataFile("stdin", text)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return sys.DupAbove(int(f.Fd()), 3)
}
