package manager

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"rouse/internal/engine"
	"rouse/internal/host/journal"
)

// LogLevels are the words for levels, by their numbers. syslog(3).
var LogLevels = [...]string{
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
}

// LogTargets are the words for where the manager's lines go. What cannot go there goes
// to the console, but for null.
var LogTargets = [...]string{
	"auto", "journal-or-kmsg", "journal-or-console", "journal", "console", "console-prefixed",
	"kmsg", "syslog", "syslog-or-kmsg", "null",
}

// logger writes the manager's own lines. It may be used from any goroutine.
type logger struct {
	mu             sync.Mutex
	target         string
	journal        *journal.Sender // nil: not opened
	kmsg           *os.File        // nil: not opened
	syslog         net.Conn        // nil: not connected
	noKmsg, closed bool
}

// logf writes a line to wherever lines go.
func (m *Manager) logf(l engine.Level, unit, format string, args ...any) {
	if int32(l) > m.level.Load() {
		return
	}
	m.write(engine.Log{Level: l, Unit: unit, Text: fmt.Sprintf(format, args...)})
}

// logEntry writes what the engine has to say.
func (m *Manager) logEntry(entry engine.Log) {
	if int32(entry.Level) <= m.level.Load() {
		m.write(entry)
	}
}

func (m *Manager) write(entry engine.Log) {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	l, line := entry.Level, entry.Text
	if entry.Unit != "" && !entry.Named {
		line = entry.Unit + ": " + line
	}
	done := false
	switch m.log.target {
	case "null":
		return
	case "journal", "journal-or-kmsg", "journal-or-console", "auto":
		done = m.toJournal(entry, line)
	case "kmsg":
		done = m.log.toKmsg(l, line)
	case "syslog", "syslog-or-kmsg":
		done = m.log.toSyslog(l, line)
	}
	if !done {
		fmt.Fprintf(m.cfg.Console, "roused: %s\n", line)
	}
}

// toJournal sends a line with the fields by which journalctl finds it for the unit.
func (m *Manager) toJournal(entry engine.Log, line string) bool {
	if m.log.closed {
		return false
	}
	if m.log.journal == nil {
		m.log.journal = journal.Open(journal.Socket)
	}
	if !m.log.journal.Listening() {
		return false
	}
	fields := []journal.Field{
		{Name: "MESSAGE", Value: line}, {Name: "PRIORITY", Value: itoa(int(entry.Level))},
		{Name: "SYSLOG_IDENTIFIER", Value: syslogName}, {Name: "SYSLOG_FACILITY", Value: "3"},
	}
	prefix := ""
	if m.cfg.User {
		prefix = "USER_"
	}
	if entry.Unit != "" {
		fields = append(fields, journal.Field{Name: prefix + "UNIT", Value: entry.Unit})
	}
	if entry.Invocation != "" {
		fields = append(fields, journal.Field{Name: prefix + "INVOCATION_ID", Value: entry.Invocation})
	}
	for _, f := range entry.Fields {
		name, value, _ := strings.Cut(f, "=")
		fields = append(fields, journal.Field{Name: name, Value: value})
	}
	return m.log.journal.Send(fields...)
}

// syslogName is what the manager calls itself in logs: what people, systemctl status and
// journalctl look for.
const syslogName = "systemd"

// daemonFacility is syslog's number for daemons, where lines have it.
const daemonFacility = 3 << 3

// where is the target, as it was set.
func (g *logger) where() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.target
}

func (g *logger) toKmsg(l engine.Level, line string) bool {
	if g.kmsg == nil && !g.noKmsg {
		f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
		g.kmsg, g.noKmsg = f, err != nil
	}
	if g.kmsg == nil {
		return false
	}
	_, err := fmt.Fprintf(g.kmsg, "<%d>%s[%d]: %s\n",
		daemonFacility|int(l), syslogName, os.Getpid(), line)
	return err == nil
}

// syslogPatience is how long a line may keep the manager.
const syslogPatience = 50 * time.Millisecond

func (g *logger) toSyslog(l engine.Level, line string) bool {
	for range 2 { // a daemon that was started anew has another socket
		if g.syslog == nil {
			c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
			if err != nil {
				return false
			}
			g.syslog = c
		}
		if g.syslog.SetWriteDeadline(time.Now().Add(syslogPatience)) == nil {
			at := time.Now().Format(time.Stamp)
			_, err := fmt.Fprintf(g.syslog, "<%d>%s %s[%d]: %s",
				daemonFacility|int(l), at, syslogName, os.Getpid(), line)
			if err == nil {
				return true
			}
		}
		g.syslog.Close()
		g.syslog = nil
	}
	return false
}

// close ends what was opened. Lines that come later go to the console.
func (g *logger) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.journal != nil {
		g.journal.Close()
		g.journal = nil
	}
	if g.kmsg != nil {
		g.kmsg.Close()
		g.kmsg, g.noKmsg = nil, true
	}
	if g.syslog != nil {
		g.syslog.Close()
		g.syslog = nil
	}
}

// setLevel says which lines are logged.
func (m *Manager) setLevel(l engine.Level) {
	m.level.Store(int32(l))
	m.e.SetLevel(l)
}

// setLevelNamed is setLevel by name; "" is the level that there was at first.
func (m *Manager) setLevelNamed(word string) bool {
	if word == "" {
		m.setLevel(m.cfg.Level)
		return true
	}
	i := slices.Index(LogLevels[:], word)
	if i >= 0 {
		m.setLevel(engine.Level(i))
	}
	return i >= 0
}

// setTarget says where lines go; "" is where they went at first.
func (m *Manager) setTarget(word string) bool {
	if word == "" {
		word = m.cfg.LogTarget
	}
	if !slices.Contains(LogTargets[:], word) {
		return false
	}
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	m.log.target = word
	return true
}

// targetShown is where lines go, in systemd's words.
func (m *Manager) targetShown() string {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	return strings.Replace(m.log.target, "journal-or-console", "journal-or-kmsg", 1)
}

// Logf writes a line to the manager's log. It may be called from any goroutine.
func (m *Manager) Logf(l engine.Level, format string, args ...any) {
	m.logf(l, "", format, args...)
}

func (m *Manager) logLine(line string) { m.logf(engine.Warning, "", "%s", line) }
