package watch

import "time"

// NewPoll is New with the means of systems without inotify.
func NewPoll(changed func(id string, index int, itself bool), every time.Duration) *Watcher {
	w := &Watcher{changed: changed, sets: map[string]*set{}}
	w.means = newPoll(w, every)
	return w
}
