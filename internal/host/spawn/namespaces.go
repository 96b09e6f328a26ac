package spawn

import "errors"

// ErrSameView: the process has no mount namespace of its own.
var ErrSameView = errors.New("not in a mount namespace of its own")

// A Bind is what is to be seen at another place by a process that runs already.
type Bind struct {
	Source, Where  string // Where is below the process's root directory
	ReadOnly, Make bool   // Make: with the place, if it is not there
}

// A Namespace is a kind of namespace that several processes share.
type Namespace uint8

// The kinds.
const (
	NetworkNamespace Namespace = iota
	IPCNamespace
	Namespaces
)
