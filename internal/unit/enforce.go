package unit

// Enforce is what becomes of a unit whose protection a place does not allow: Enforce= of
// the manager, X-Enforce= of a unit. systemd has no such setting.
type Enforce uint8

// The values of Enforce=.
const (
	EnforceUnset      Enforce = iota // a unit: as the manager says; a manager: by the place
	EnforceStrict                    // it fails
	EnforceBestEffort                // it runs without what cannot be had
	Enforces
)

var enforceWords = [Enforces]string{"", "strict", "best-effort"}

func (e Enforce) String() string { return enforceWords[e] }
