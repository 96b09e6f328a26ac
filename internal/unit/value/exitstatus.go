package value

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// exitStatuses are the exit statuses with names. systemd.exec(5), PROCESS EXIT CODES.
var exitStatuses = [256]struct{ name, class string }{
	0: {"SUCCESS", "libc"},
	1: {"FAILURE", "libc"},

	2: {"INVALIDARGUMENT", "LSB"},
	3: {"NOTIMPLEMENTED", "LSB"},
	4: {"NOPERMISSION", "LSB"},
	5: {"NOTINSTALLED", "LSB"},
	6: {"NOTCONFIGURED", "LSB"},
	7: {"NOTRUNNING", "LSB"},

	64: {"USAGE", "BSD"},
	65: {"DATAERR", "BSD"},
	66: {"NOINPUT", "BSD"},
	67: {"NOUSER", "BSD"},
	68: {"NOHOST", "BSD"},
	69: {"UNAVAILABLE", "BSD"},
	70: {"SOFTWARE", "BSD"},
	71: {"OSERR", "BSD"},
	72: {"OSFILE", "BSD"},
	73: {"CANTCREAT", "BSD"},
	74: {"IOERR", "BSD"},
	75: {"TEMPFAIL", "BSD"},
	76: {"PROTOCOL", "BSD"},
	77: {"NOPERM", "BSD"},
	78: {"CONFIG", "BSD"},

	200: {"CHDIR", "systemd"},
	201: {"NICE", "systemd"},
	202: {"FDS", "systemd"},
	203: {"EXEC", "systemd"},
	204: {"MEMORY", "systemd"},
	205: {"LIMITS", "systemd"},
	206: {"OOM_ADJUST", "systemd"},
	207: {"SIGNAL_MASK", "systemd"},
	208: {"STDIN", "systemd"},
	209: {"STDOUT", "systemd"},
	210: {"CHROOT", "systemd"},
	211: {"IOPRIO", "systemd"},
	212: {"TIMERSLACK", "systemd"},
	213: {"SECUREBITS", "systemd"},
	214: {"SETSCHEDULER", "systemd"},
	215: {"CPUAFFINITY", "systemd"},
	216: {"GROUP", "systemd"},
	217: {"USER", "systemd"},
	218: {"CAPABILITIES", "systemd"},
	219: {"CGROUP", "systemd"},
	220: {"SETSID", "systemd"},
	221: {"CONFIRM", "systemd"},
	222: {"STDERR", "systemd"},
	224: {"PAM", "systemd"},
	225: {"NETWORK", "systemd"},
	226: {"NAMESPACE", "systemd"},
	227: {"NO_NEW_PRIVILEGES", "systemd"},
	228: {"SECCOMP", "systemd"},
	229: {"SELINUX_CONTEXT", "systemd"},
	230: {"PERSONALITY", "systemd"},
	231: {"APPARMOR", "systemd"},
	232: {"ADDRESS_FAMILIES", "systemd"},
	233: {"RUNTIME_DIRECTORY", "systemd"},
	235: {"CHOWN", "systemd"},
	236: {"SMACK_PROCESS_LABEL", "systemd"},
	237: {"KEYRING", "systemd"},
	238: {"STATE_DIRECTORY", "systemd"},
	239: {"CACHE_DIRECTORY", "systemd"},
	240: {"LOGS_DIRECTORY", "systemd"},
	241: {"CONFIGURATION_DIRECTORY", "systemd"},
	242: {"NUMA_POLICY", "systemd"},
	243: {"CREDENTIALS", "systemd"},
	244: {"BPF", "systemd"},
	255: {"EXCEPTION", "systemd"},
}

// ExitSet is a set of exit statuses and signals, as in SuccessExitStatus=.
type ExitSet struct {
	Statuses []uint8 // sorted
	Signals  []Signal
}

// ExitStatus gives the name and the class ("libc", "systemd", "LSB", "BSD") of
// an exit status; "" and "" if it has none.
func ExitStatus(status uint8) (name, class string) {
	s := exitStatuses[status]
	return s.name, s.class
}

// ParseExitStatus reads an exit status by name or number.
func ParseExitStatus(s string) (uint8, error) {
	for status, e := range exitStatuses {
		if e.name == s && s != "" {
			return uint8(status), nil
		}
	}
	v, err := ParseUint(s, 8)
	if err != nil {
		return 0, errors.New("not an exit status")
	}
	return uint8(v), nil
}

// Add adds what one word stands for: an exit status by name or number, or a
// signal by name. systemd.service(5), SuccessExitStatus=.
func (e *ExitSet) Add(word string) error {
	if status, err := ParseExitStatus(word); err == nil {
		e.Statuses = insert(e.Statuses, status)
		return nil
	}
	sig, err := ParseSignal(word)
	if err != nil {
		return errors.New("neither an exit status nor a signal")
	}
	e.Signals = insert(e.Signals, sig)
	return nil
}

// HasStatus reports whether the set has an exit status.
func (e ExitSet) HasStatus(status uint8) bool { return has(e.Statuses, status) }

// HasSignal reports whether the set has a signal.
func (e ExitSet) HasSignal(sig Signal) bool { return has(e.Signals, sig) }

// IsEmpty reports whether the set has nothing in it.
func (e ExitSet) IsEmpty() bool { return len(e.Statuses) == 0 && len(e.Signals) == 0 }

// String gives the words of the set, statuses by number, joined by blanks.
func (e ExitSet) String() string {
	var words []string
	for _, s := range e.Statuses {
		words = append(words, strconv.Itoa(int(s)))
	}
	for _, s := range e.Signals {
		words = append(words, s.String())
	}
	return strings.Join(words, " ")
}

// insert puts v into a sorted list, once.
func insert[T uint | uint8 | Signal](list []T, v T) []T {
	if i, found := slices.BinarySearch(list, v); !found {
		return slices.Insert(list, i, v)
	}
	return list
}

func has[T uint | uint8 | Signal](list []T, v T) bool {
	_, found := slices.BinarySearch(list, v)
	return found
}
