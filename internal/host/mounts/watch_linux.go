package mounts

import (
	"errors"
	"os"
	"time"

	"rouse/internal/host/sys"
)

const tableFile = "/proc/self/mountinfo"

func readTable() (string, error) {
	text, err := os.ReadFile(tableFile)
	return string(text), err
}

// A Watcher tells of changes of the mount table.
type Watcher struct {
	file *os.File
	done chan struct{}
}

// Watch calls changed, from a goroutine of its own, whenever the mount table may have
// changed, and at first once. It makes no call in between.
func Watch(changed func()) (*Watcher, error) {
	f, err := os.Open(tableFile)
	if err != nil {
		return nil, err
	}
	if err := f.SetDeadline(time.Time{}); err != nil { // not to be waited for
		f.Close()
		return nil, errors.Join(sys.Unsupported("watch the mount table"), err)
	}
	w := &Watcher{file: f, done: make(chan struct{})}
	conn, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	go func() {
		defer close(w.done)
		for {
			// The file can always be read. What wakes a waiter is the edge: the kernel
			// signals an error, by which it means a change.
			woken := false
			err := conn.Read(func(uintptr) bool {
				was := woken
				woken = true
				return was
			})
			if err != nil {
				return
			}
			changed()
		}
	}()
	return w, nil
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.file.Close()
	<-w.done
}
