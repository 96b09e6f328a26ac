package sandbox

import "path/filepath"

// The directories that views are made with, below the manager's runtime directory.
const (
	baseDir        = "systemd/unit-root"
	blockedDir     = "systemd/inaccessible"
	incomingDir    = "systemd/propagate"
	credentialsDir = "credentials"
)

// A Place is where a manager keeps what views are made with.
type Place struct {
	Base, Blocked, Incoming, Credentials string
}

// At gives the places below a runtime directory, such as /run.
func At(runtime string) Place {
	return Place{
		Base:        filepath.Join(runtime, baseDir),
		Blocked:     filepath.Join(runtime, blockedDir),
		Incoming:    filepath.Join(runtime, incomingDir),
		Credentials: filepath.Join(runtime, credentialsDir),
	}
}
