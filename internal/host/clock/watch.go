package clock

import (
	"errors"
	"sync"

	"rouse/internal/host/sys"
)

// A Watcher tells when the wall clock was set or the machine was asleep, and can wake it.
type Watcher struct {
	jumps *sys.Timer
	done  sync.WaitGroup

	mu    sync.Mutex
	alarm *sys.Timer // nil: none was set
}

// Watch calls changed, from a goroutine of its own, when the clock was set. It makes no
// call in between. sys.ErrUnsupported where the kernel does not tell.
func Watch(changed func()) (*Watcher, error) {
	t, err := sys.NewTimer(false)
	if err != nil {
		return nil, err
	}
	if err := t.OnJump(); err != nil {
		t.Close()
		return nil, err
	}
	w := &Watcher{jumps: t}
	w.done.Go(func() {
		for {
			err := t.Wait()
			if !errors.Is(err, sys.ECANCELED) {
				return
			}
			if err := t.OnJump(); err != nil {
				return
			}
			changed()
		}
	})
	return w, nil
}

// CanWake reports whether the machine can be woken: Linux, with CAP_WAKE_ALARM and a
// clock that can.
func CanWake() bool {
	t, err := sys.NewTimer(true)
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// Wake has the machine woken at a time by the wall clock, in microseconds; 0 has it
// sleep on. What was asked for before counts no more; the first woken is called
// whenever such a time has come, from a goroutine of its own.
func (w *Watcher) Wake(at uint64, woken func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.alarm == nil && at != 0 {
		t, err := sys.NewTimer(true)
		if err != nil {
			return err
		}
		w.alarm = t
		w.done.Go(func() {
			for t.Wait() == nil {
				woken()
			}
		})
	}
	if w.alarm == nil {
		return nil
	}
	return w.alarm.Set(at)
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.jumps.Close()
	w.mu.Lock()
	if w.alarm != nil {
		w.alarm.Close()
	}
	w.mu.Unlock()
	w.done.Wait()
}
