package spawn

// A Namespace is a kind of namespace that several processes share.
type Namespace uint8

// The kinds.
const (
	NetworkNamespace Namespace = iota
	IPCNamespace
	Namespaces
)
