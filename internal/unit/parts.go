package unit

// Timer is the [Timer] section. systemd.timer(5).
type Timer struct{}

// Path is the [Path] section. systemd.path(5).
type Path struct{}

// Mount is the [Mount] section. systemd.mount(5).
type Mount struct{}

// Automount is the [Automount] section. systemd.automount(5).
type Automount struct{}

// Swap is the [Swap] section. systemd.swap(5).
type Swap struct{}

// Scope is the [Scope] section. systemd.scope(5).
type Scope struct{}

// Resources are the settings of systemd.resource-control(5).
type Resources struct {
	Slice string // Slice=; "" is the default
}
