package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limit is one of the resource limits of setrlimit(2).
type Limit uint8

// The resource limits, in the order of systemd.exec(5).
const (
	LimitCPU Limit = iota
	LimitFSIZE
	LimitDATA
	LimitSTACK
	LimitCORE
	LimitRSS
	LimitNOFILE
	LimitAS
	LimitNPROC
	LimitMEMLOCK
	LimitLOCKS
	LimitSIGPENDING
	LimitMSGQUEUE
	LimitNICE
	LimitRTPRIO
	LimitRTTIME
	Limits
)

// LimitInfinity is the resource limit without an end.
const LimitInfinity uint64 = 1<<64 - 1

// limitInfo says for each resource how its value is read.
var limitInfo = [Limits]struct {
	word string
	read func(string) (uint64, error)
}{
	LimitCPU:        {"CPU", limitSeconds},
	LimitFSIZE:      {"FSIZE", limitBytes},
	LimitDATA:       {"DATA", limitBytes},
	LimitSTACK:      {"STACK", limitBytes},
	LimitCORE:       {"CORE", limitBytes},
	LimitRSS:        {"RSS", limitBytes},
	LimitNOFILE:     {"NOFILE", limitCount},
	LimitAS:         {"AS", limitBytes},
	LimitNPROC:      {"NPROC", limitCount},
	LimitMEMLOCK:    {"MEMLOCK", limitBytes},
	LimitLOCKS:      {"LOCKS", limitCount},
	LimitSIGPENDING: {"SIGPENDING", limitCount},
	LimitMSGQUEUE:   {"MSGQUEUE", limitBytes},
	LimitNICE:       {"NICE", limitNice},
	LimitRTPRIO:     {"RTPRIO", limitCount},
	LimitRTTIME:     {"RTTIME", limitMicroseconds},
}

// String gives the name after "Limit" and "RLIMIT_".
func (l Limit) String() string { return limitInfo[l].word }

// ParseLimit gives the limit called word: "NOFILE".
func ParseLimit(word string) (Limit, bool) {
	for l := range Limits {
		if limitInfo[l].word == word {
			return l, true
		}
	}
	return 0, false
}

// ErrLimitOrder is the error for a soft limit over the hard one.
var ErrLimitOrder = errors.New("soft limit is higher than the hard limit")

// ParseRlimit reads the value of a Limit…= directive in the unit of setrlimit(2):
// "soft:hard" or one value for both, "infinity" for none. Sizes take suffixes,
// times units; LimitNICE= also takes nice levels with a sign. systemd.exec(5).
func ParseRlimit(l Limit, s string) (soft, hard uint64, err error) {
	softText, hardText, two := strings.Cut(s, ":")
	if soft, err = parseLimit(l, softText); err != nil {
		return 0, 0, err
	}
	if !two {
		return soft, soft, nil
	}
	if hard, err = parseLimit(l, hardText); err != nil {
		return 0, 0, err
	}
	if soft > hard {
		return 0, 0, ErrLimitOrder
	}
	return soft, hard, nil
}

func parseLimit(l Limit, s string) (uint64, error) {
	if s == "infinity" && l != LimitNICE {
		return LimitInfinity, nil
	}
	v, err := limitInfo[l].read(s)
	if err != nil {
		return 0, fmt.Errorf("resource limit: %w", err)
	}
	return v, nil
}

func limitCount(s string) (uint64, error) {
	v, err := ParseUint(s, 64)
	if err == nil && v == LimitInfinity {
		return 0, ErrRange
	}
	return v, err
}

func limitBytes(s string) (uint64, error) {
	v, err := ParseSize(s)
	if err == nil && v == SizeInfinity {
		return 0, ErrRange
	}
	return uint64(v), err
}

// limitSeconds rounds up, so that a short limit does not become none.
func limitSeconds(s string) (uint64, error) {
	v, err := ParseSpan(s)
	switch {
	case err != nil:
		return 0, err
	case v == Infinity:
		return LimitInfinity, nil
	}
	seconds := uint64(v / Second)
	if v%Second > 0 {
		seconds++
	}
	return seconds, nil
}

func limitMicroseconds(s string) (uint64, error) {
	v, err := ParseSpanUnit(s, Microsecond)
	return uint64(v), err
}

// limitNice reads a nice level with a sign, or the kernel's number, which is 20
// less the nice level.
func limitNice(s string) (uint64, error) {
	digits, negative := cutSign(s)
	v, err := ParseUint(digits, 64)
	switch {
	case err != nil:
		return 0, err
	case digits == s:
		if v > 40 {
			return 0, ErrRange
		}
		return v, nil
	case negative:
		if v > 20 {
			return 0, ErrRange
		}
		return 20 + v, nil
	}
	if v >= 20 {
		return 0, ErrRange
	}
	return 20 - v, nil
}

// FormatRlimit gives one value as ParseRlimit reads it, in the unit of
// setrlimit(2): "infinity" or a number.
func FormatRlimit(v uint64) string {
	if v == LimitInfinity {
		return "infinity"
	}
	return strconv.FormatUint(v, 10)
}
