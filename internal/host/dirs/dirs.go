// Package dirs makes and removes the directories a unit asks for and gathers the
// environment its files and the manager provide. It knows paths and owners. It
// answers for RuntimeDirectory=, StateDirectory=, CacheDirectory=,
// LogsDirectory=, ConfigurationDirectory=, EnvironmentFile= and PassEnvironment=
// of systemd.exec(5).
package dirs

import "rouse/internal/unit"

// Bases are the directories that a unit's are made in, by kind.
type Bases [unit.DirectoryKinds]string

// SystemBases are those of the system manager: /run, /var/lib and so on.
var SystemBases = Bases{}

// UserBases are those of a user manager, by getenv of XDG_RUNTIME_DIR and kin.
func UserBases(getenv func(string) string) (Bases, error) { return Bases{}, nil }

// Owner says to whom directories are given; -1 leaves it as it is.
type Owner struct{ UID, GID int }

// Make makes the directories of x, with their modes, owner and symlinks.
func Make(x *unit.Exec, b Bases, o Owner) error { return nil }

// Remove removes the runtime directories after the unit has stopped, as
// RuntimeDirectoryPreserve= says.
func Remove(x *unit.Exec, b Bases, restarting bool) error { return nil }

// Environment gives RUNTIME_DIRECTORY= and kin.
func Environment(x *unit.Exec, b Bases) []string { return nil }

// Files reads the environment files in order. Faults are about lines that were ignored.
func Files(list []unit.EnvironmentFile) (env []string, faults []unit.Fault, err error) {
	return nil, nil, nil
}

// Pass gives those of environ that names lists.
func Pass(names, environ []string) []string { return nil }
