package face

import (
	"context"
	"errors"
)

// Reexec is what a face needs for the manager to execute itself again while clients
// are connected.
type Reexec interface {
	// Reexecute has the manager execute its program again, with everything it has. It
	// gives ErrSuspended when that is about to happen, and another error when it
	// cannot be done. systemctl(1), daemon-reexec.
	Reexecute(ctx context.Context) error
	// Await waits for the end of a job that was queued before the re-execution, and
	// gives its result as Enqueue does.
	Await(ctx context.Context, job uint32) (result string, err error)
}

// ErrSuspended is given to those who wait for what takes longer than the manager has
// before it executes itself again. What they asked for goes on: it is the face that
// must hand over who asked, or close the connection.
var ErrSuspended = errors.New("the manager executes itself again")
