//go:build !linux

package watch

func newMeans(w *Watcher) (means, error) { return newPoll(w, interval), nil }
