package manager

import (
	"context"

	"rouse/internal/engine"
	"rouse/internal/face"
)

// Reexecute implements face.Reexec.
func (m *Manager) Reexecute(context.Context) error {
	return &face.Error{Name: face.NotSupported, Message: "the manager cannot execute itself again yet"}
}

// Await implements face.Reexec.
func (m *Manager) Await(ctx context.Context, job uint32) (string, error) {
	done := make(chan string, 1)
	found := false
	err := m.call(ctx, func() {
		for _, j := range m.e.Jobs() {
			found = found || j.ID == job
		}
		m.waiters[job] = append(m.waiters[job], func(d engine.JobDone) { done <- d.Result.String() })
	})
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", &face.Error{
			Name: face.NoSuchJob, Message: "Job " + itoa(int(job)) + " does not exist.",
		}
	}
	select {
	case result := <-done:
		return result, nil
	case <-ctx.Done():
		return "", ctx.Err()
	case <-m.ctx.Done():
		return "", errEnded
	}
}
