package manager

import (
	"fmt"
	"os"

	"rouse/internal/engine"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// openFiles opens what OpenFile= says, after the descriptors that the process gets
// from elsewhere. A file that cannot be opened fails the process.
func (m *Manager) openFiles(l *launch) *spawn.StepError {
	if l.Unit.Service == nil || l.Kind != unit.ExecStart.String() {
		return nil
	}
	for _, f := range l.Unit.Service.OpenFiles {
		fd, err := openFile(f)
		if err != nil && f.Graceful {
			m.logf(engine.Debug, l.Unit.Name, "OpenFile=: %v; going on without", err)
			continue
		}
		if err != nil {
			return &spawn.StepError{
				Unit: l.Unit.Name, Step: "open files", Directive: "OpenFile", Err: err,
				Status: spawn.StatusFDs,
			}
		}
		l.files, l.names = append(l.files, fd), append(l.names, f.Name)
		l.stored++ // NonBlocking= is not for them
	}
	return nil
}

// openFile gives a descriptor above those of the standard streams.
func openFile(f unit.OpenFile) (fd int, err error) {
	info, err := os.Stat(f.Path)
	if err != nil {
		return -1, err
	}
	if info.Mode()&os.ModeSocket != 0 {
		fd, err = sys.ConnectUnix(f.Path)
		if err != nil {
			return -1, fmt.Errorf("connect to %s: %w", f.Path, err)
		}
		if f.ReadOnly {
			err = sys.ShutdownWrite(fd)
		}
	} else {
		mode := sys.OpenReadWrite
		switch {
		case f.ReadOnly:
			mode = sys.OpenReadOnly
		case f.Append:
			mode = sys.OpenAppend
		case f.Truncate:
			mode = sys.OpenTruncate
		}
		if fd, err = sys.Open(f.Path, mode); err != nil {
			return -1, err
		}
	}
	defer sys.CloseFD(fd)
	if err != nil {
		return -1, err
	}
	return sys.DupAbove(fd, 3)
}
