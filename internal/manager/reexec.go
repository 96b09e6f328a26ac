package manager

import (
	"context"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
)

// outcomePatience is how long what workers are doing may take before the manager
// executes itself again without them.
const outcomePatience = 10 * time.Second

// departure is what is known of the manager's leaving for the next one.
type departure struct {
	asked   bool          // it is to happen, and all goes on until it does
	suspend chan struct{} // closed then: nobody shall wait for what takes long
	begin   chan struct{} // for Run: there is something to be left
	frozen  bool          // the engine makes no more steps
	notify  int           // the notify socket
	// outcomes are those of spawns that the engine has not been told.
	outcomes []outcome
	// repaired is when an internal error last led to a re-execution, on the monotonic clock.
	repaired uint64
	// missing are processes whose end nobody has seen, when the manager begins.
	missing []int
	// results are how jobs ended while those who wait for them were being handed over;
	// nil at other times.
	results map[uint32]string
}

func newDeparture() departure {
	return departure{suspend: make(chan struct{}), begin: make(chan struct{})}
}

// outcome is that of a Spawn: of one whose news came when the engine had stopped.
type outcome struct {
	Op      engine.Op
	Unit    string
	PID     int    `json:",omitempty"`
	Problem string `json:",omitempty"`
	Err     string `json:",omitempty"` // there is no process
}

// Reexecute implements face.Reexec.
func (m *Manager) Reexecute(ctx context.Context) error {
	var bad error
	err := m.call(ctx, func() { bad = m.reexecute("asked for by a client") })
	if err != nil {
		return err
	}
	return bad
}

// reexecute has the manager leave as soon as no unit is half made. It gives the error
// for who has asked.
func (m *Manager) reexecute(why string) error {
	switch {
	case m.cfg.Leave == nil:
		return &face.Error{
			Name: face.NotSupported, Message: "this manager cannot execute itself again",
		}
	case m.end != nil:
		return errEnded
	case m.departure.asked:
	case m.generating:
		m.ready = append(m.ready, func() { _ = m.reexecute(why) })
	default:
		m.logf(engine.Notice, "", "Reexecuting (%s).", why)
		m.publish(face.Event{Kind: "reloading"})
		m.departure.asked = true
		if m.departure.results == nil { // else some are not asked for yet
			m.departure.results = map[uint32]string{}
		}
		close(m.departure.suspend)
		close(m.departure.begin)
	}
	return face.ErrSuspended
}

// repairs is how long after an internal error another one is only told, in microseconds.
const repairs = 60e6

// repair has the manager execute itself again after an internal error. That was survived,
// but something may have been half done: all that follows from the state is made anew, and
// the state is compared with what is there. It may be called from any goroutine.
func (m *Manager) repair(why string) {
	if m.cfg.Leave == nil {
		return
	}
	time.AfterFunc(0, func() {
		m.post(func() {
			now := m.now().Mono
			if m.departure.repaired == 0 || now-m.departure.repaired > repairs {
				m.departure.repaired = now
				_ = m.reexecute(why)
			}
		})
	})
}

// leave stops whatever takes something away from the kernel, while all else goes on:
// what it has taken is dealt with, and what it has not waits for the next manager.
func (m *Manager) leave() {
	m.cfg.Leave()
	m.reaper.Close()
	fd, err := m.notify.Suspend()
	if err != nil {
		m.Logf(engine.Err, "notify socket: %v; a new one is made", err)
		fd = 0
	}
	m.poller.Close()
	m.post(func() {
		m.departure.notify, m.departure.frozen = fd, true
		m.end = &Ending{Verb: "reexec"}
	})
}

// awaitWorkers works off what workers bring, which all goes into the state, until they
// are done. Those that take too long are given up.
func (m *Manager) awaitWorkers() {
	done := make(chan struct{})
	go func() {
		m.crew.wg.Wait()
		close(done)
	}()
	limit, look := time.After(outcomePatience), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-limit:
			over = true
		case <-look.C: // the queue may be full, and they may wait for it
		}
		for f := m.queue.next(); f != nil; f = m.queue.next() {
			m.attend(f)
		}
	}
	for op, unit := range m.aloft {
		m.departure.outcomes = append(m.departure.outcomes, outcome{
			Op: op, Unit: unit, Err: "nothing was heard of it before a re-execution",
		})
	}
}

// Await implements face.Reexec.
func (m *Manager) Await(ctx context.Context, job uint32) (string, error) {
	done := make(chan string, 1)
	err := m.call(ctx, func() {
		if result, ok := m.departure.results[job]; ok {
			done <- result
			return
		}
		for _, j := range m.e.Jobs() {
			if j.ID == job {
				m.waiters[job] = append(m.waiters[job], func(d engine.JobDone) {
					done <- d.Result.String()
				})
				return
			}
		}
		done <- ""
	})
	if err != nil {
		return "", err
	}
	result, err := m.awaitJob(ctx, done)
	if err == nil && result == "" {
		err = &face.Error{
			Name: face.NoSuchJob, Message: "Job " + itoa(int(job)) + " does not exist.",
		}
	}
	return result, err
}

// awaitJob waits for the result of a job, but not over a re-execution.
func (m *Manager) awaitJob(ctx context.Context, done <-chan string) (string, error) {
	select {
	case result := <-done:
		return result, nil
	default:
	}
	select {
	case result := <-done:
		return result, nil
	case <-m.departure.suspend:
		return "", face.ErrSuspended
	case <-ctx.Done():
		return "", ctx.Err()
	case <-m.ctx.Done():
		return "", errEnded
	}
}
