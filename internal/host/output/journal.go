package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// log opens what is logged: the journal, or the console if there is no journal.
func (o *opener) log(s unit.Stdio) (int, error) {
	fd, err := o.journal(s)
	if err == nil {
		if id, err := sys.IDOf(fd); err == nil {
			o.s.Journal = id.String() // standard error comes after output, and counts more
		}
		return o.keep(fd, nil)
	}
	if !errors.Is(err, os.ErrNotExist) {
		o.r.config.Log(fmt.Sprintf("%s: %v; its output goes to the console", o.q.Unit, err))
	}
	if o.r.config.Console == nil {
		return null, nil
	}
	return o.console()
}

// journal connects to the journal's stream socket and says who will speak. The
// journal takes everything after the seven lines for messages.
func (o *opener) journal(s unit.Stdio) (fd int, err error) {
	socket := o.r.config.Journal
	if ns := o.x.LogNamespace; ns != "" { // a directory beside
		socket = filepath.Dir(socket) + "." + ns + "/" + filepath.Base(socket)
	}
	fd, err = connect(socket)
	if err != nil {
		return -1, err
	}
	sys.ShutdownRead(fd)
	// As much as the system lets us, so that a busy journal holds up no service.
	if sys.SetOption(fd, sys.SendBufferForce, 8<<20) != nil {
		sys.SetOption(fd, sys.SendBuffer, 8<<20)
	}
	header := []byte(o.header(s))
	if n, err := sys.Write(fd, header); err != nil || n < len(header) {
		sys.CloseFD(fd)
		return -1, fmt.Errorf("write to %s: %w", socket, err)
	}
	return fd, nil
}

// header gives the seven lines: identifier, unit, priority, whether lines begin
// with <level>, whether they go on to syslog, the kernel's log and the console.
func (o *opener) header(s unit.Stdio) string {
	identifier := orDefault(o.x.SyslogIdentifier, o.q.Identifier)
	return fmt.Sprintf("%s\n%s\n%d\n%d\n%d\n%d\n%d\n", identifier, o.q.Unit,
		o.x.SyslogFacility<<3|o.x.SyslogLevel,
		one(o.x.SyslogLevelPrefix),
		0,
		one(s == unit.StdioKmsg || s == unit.StdioKmsgConsole),
		one(s == unit.StdioJournalConsole || s == unit.StdioKmsgConsole))
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
