package graph

// ActiveState is the state of a unit as all types of units have it. systemctl(1).
type ActiveState uint8

// The active states.
const (
	Inactive ActiveState = iota
	Active
	Reloading
	Failed
	Activating
	Deactivating
	Maintenance
	ActiveStates
)

var activeStateWords = [ActiveStates]string{
	"inactive", "active", "reloading", "failed", "activating", "deactivating", "maintenance",
}

func (s ActiveState) String() string { return activeStateWords[s] }

// Up reports active or reloading.
func (s ActiveState) Up() bool { return s == Active || s == Reloading }

// Rising reports active, activating or reloading.
func (s ActiveState) Rising() bool { return s.Up() || s == Activating }

// Down reports inactive or failed.
func (s ActiveState) Down() bool { return s == Inactive || s == Failed }

// Falling reports inactive, failed or deactivating.
func (s ActiveState) Falling() bool { return s.Down() || s == Deactivating }
