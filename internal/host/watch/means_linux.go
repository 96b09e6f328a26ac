package watch

func newMeans(w *Watcher) (means, error) { return newInotify(w) }
