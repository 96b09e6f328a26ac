//go:build !linux

package watch

import "time"

// interval is how often files are looked at where the kernel does not tell of changes.
const interval = 2 * time.Second

func newMeans(w *Watcher) (means, error) { return newPoll(w, interval), nil }
