package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The real-time signals that the C library of Linux leaves to programs.
const (
	SIGRTMIN Signal = 34
	SIGRTMAX Signal = 64
)

// signalWords are the names of the signals of Linux, without SIG.
var signalWords = [...]string{
	1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL",
	10: "USR1", 11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT",
	17: "CHLD", 18: "CONT", 19: "STOP", 20: "TSTP", 21: "TTIN", 22: "TTOU", 23: "URG",
	24: "XCPU", 25: "XFSZ", 26: "VTALRM", 27: "PROF", 28: "WINCH", 29: "IO", 30: "PWR", 31: "SYS",
}

var errNoSignal = errors.New("not a signal")

// ParseSignal reads a signal by name, with or without SIG ("TERM", "SIGRTMIN+3",
// "RTMAX-2"), or by number.
func ParseSignal(s string) (Signal, error) {
	if n, err := ParseInt(s, 32); err == nil {
		if !Signal(n).Valid() {
			return 0, fmt.Errorf("signal: %w", ErrRange)
		}
		return Signal(n), nil
	}
	word := strings.TrimPrefix(s, "SIG")
	for n, w := range signalWords {
		if w == word && w != "" {
			return Signal(n), nil
		}
	}
	if offset, ok := strings.CutPrefix(word, "RTMIN"); ok {
		return realTime(SIGRTMIN, offset, '+')
	}
	if offset, ok := strings.CutPrefix(word, "RTMAX"); ok {
		return realTime(SIGRTMAX, offset, '-')
	}
	return 0, errNoSignal
}

// realTime reads what stands after RTMIN or RTMAX.
func realTime(from Signal, offset string, sign byte) (Signal, error) {
	if offset == "" {
		return from, nil
	}
	if offset[0] != sign {
		return 0, errNoSignal
	}
	n, err := ParseInt(offset, 32)
	if err != nil {
		return 0, errNoSignal
	}
	sig := from + Signal(n)
	if sig < SIGRTMIN || sig > SIGRTMAX {
		return 0, fmt.Errorf("real-time signal: %w", ErrRange)
	}
	return sig, nil
}

// Valid reports whether s is a signal of Linux.
func (s Signal) Valid() bool { return 0 < s && s <= SIGRTMAX }

// String gives the name of the signal: "SIGTERM", "SIGRTMIN+3"; the number for
// what has no name. ParseSignal reads it.
func (s Signal) String() string {
	switch {
	case 0 < s && int(s) < len(signalWords):
		return "SIG" + signalWords[s]
	case s == SIGRTMIN:
		return "SIGRTMIN"
	case SIGRTMIN < s && s <= SIGRTMAX:
		return "SIGRTMIN+" + strconv.Itoa(int(s-SIGRTMIN))
	}
	return strconv.Itoa(int(s))
}
