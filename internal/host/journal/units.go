package journal

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"rouse/internal/unit"
)

// Units tell journald what it cannot know of units: the invocation that their processes
// belong to, and what their settings say about what is logged. They may be used from any
// goroutine. Nothing is told while there is no journal to listen.
type Units struct {
	dir, socket string

	mu   sync.Mutex
	told map[string]string // the invocation, by unit
}

// The files that a unit may have: what stands before ":" and its name.
const (
	invocationFile = "invocation"
	levelFile      = "log-level-max"
	fieldsFile     = "log-extra-fields"
	intervalFile   = "log-rate-limit-interval"
	burstFile      = "log-rate-limit-burst"
)

// NewUnits begins to tell the journal that listens at a socket, in a directory:
// systemd/units below /run or $XDG_RUNTIME_DIR. It is made when there is something.
func NewUnits(dir, socket string) *Units {
	return &Units{dir: dir, socket: socket, told: map[string]string{}}
}

func (t *Units) listening() bool {
	_, err := os.Lstat(t.socket)
	return err == nil
}

func (t *Units) path(kind, unitName string) string {
	return filepath.Join(t.dir, kind+":"+unitName)
}

// Tell tells about a unit before the first process of an invocation. x may be nil.
// systemd.exec(5), LogLevelMax=, LogExtraFields=, LogRateLimitIntervalSec=.
func (t *Units) Tell(unitName, invocation string, x *unit.Exec) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told[unitName] == invocation || !t.listening() {
		return nil
	}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	t.told[unitName] = invocation
	err := t.put(invocationFile, unitName, func(p string) error { return os.Symlink(invocation, p) })
	if x == nil {
		return err
	}
	link := func(kind string, set bool, n uint64) {
		if set {
			to := strconv.FormatUint(n, 10)
			err = errors.Join(err, t.put(kind, unitName, func(p string) error { return os.Symlink(to, p) }))
		}
	}
	link(levelFile, x.LogLevelMax >= 0, uint64(max(x.LogLevelMax, 0)))
	link(intervalFile, x.LogRateLimitInterval > 0, uint64(x.LogRateLimitInterval))
	link(burstFile, x.LogRateLimitBurst > 0, uint64(x.LogRateLimitBurst))
	if len(x.LogExtraFields) > 0 {
		var fields []byte
		for _, f := range x.LogExtraFields {
			fields = binary.LittleEndian.AppendUint64(fields, uint64(len(f)))
			fields = append(fields, f...)
		}
		err = errors.Join(err, t.put(fieldsFile, unitName, func(p string) error {
			return os.WriteFile(p, fields, 0o644)
		}))
	}
	return err
}

// put makes a file in the place of a former one, so that nobody finds none.
func (t *Units) put(kind, unitName string, make func(path string) error) error {
	fresh := t.path("."+kind, unitName)
	err := make(fresh)
	if errors.Is(err, os.ErrExist) {
		os.Remove(fresh)
		err = make(fresh)
	}
	if err == nil {
		err = os.Rename(fresh, t.path(kind, unitName))
	}
	return err
}

// Forget takes back what was told of a unit, also by another manager before this one.
func (t *Units) Forget(unitName string, x *unit.Exec) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.told, unitName)
	if !t.listening() {
		return nil
	}
	kinds := []string{invocationFile}
	if x != nil && (x.LogLevelMax >= 0 || x.LogRateLimitInterval > 0 || x.LogRateLimitBurst > 0 ||
		len(x.LogExtraFields) > 0) {
		kinds = append(kinds, levelFile, intervalFile, burstFile, fieldsFile)
	}
	var errs []error
	for _, kind := range kinds {
		if err := os.Remove(t.path(kind, unitName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
