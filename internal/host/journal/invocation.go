package journal

import (
	"os"
	"path/filepath"
	"sync"
)

// Invocations tell journald the invocation that a unit's processes belong to, by a
// symlink for each unit; it makes the field _SYSTEMD_INVOCATION_ID of it. They may be
// used from any goroutine. Nothing is told while there is no journal to listen.
type Invocations struct {
	dir, socket string

	mu   sync.Mutex
	told map[string]string // by unit
}

// NewInvocations begins to tell the journal that listens at a socket, in a directory:
// systemd/units below /run or $XDG_RUNTIME_DIR. It is made when there is something.
func NewInvocations(dir, socket string) *Invocations {
	return &Invocations{dir: dir, socket: socket, told: map[string]string{}}
}

func (i *Invocations) listening() bool {
	_, err := os.Lstat(i.socket)
	return err == nil
}

func (i *Invocations) path(unit string) string {
	return filepath.Join(i.dir, "invocation:"+unit)
}

// Tell tells the invocation of a unit, before its first process.
func (i *Invocations) Tell(unit, invocation string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.told[unit] == invocation || !i.listening() {
		return nil
	}
	fresh := i.path("." + unit) // so that nobody finds none
	err := os.Symlink(invocation, fresh)
	switch {
	case os.IsExist(err):
		os.Remove(fresh)
		err = os.Symlink(invocation, fresh)
	case os.IsNotExist(err):
		if err = os.MkdirAll(i.dir, 0o755); err == nil {
			err = os.Symlink(invocation, fresh)
		}
	}
	if err == nil {
		err = os.Rename(fresh, i.path(unit))
	}
	if err == nil {
		i.told[unit] = invocation
	}
	return err
}

// Forget takes back what was told of a unit, also by another manager before this one.
func (i *Invocations) Forget(unit string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.told, unit)
	if !i.listening() {
		return nil
	}
	if err := os.Remove(i.path(unit)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
