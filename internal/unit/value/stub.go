package value

import "time"

// ParseBool reads a boolean: 1, yes, y, true, t, on; 0, no, n, false, f, off; in any case.
func ParseBool(s string) (bool, error) { return false, nil }

// FormatBool gives "yes" or "no".
func FormatBool(b bool) string { return "no" }

// ParseSpan reads a time span; a number alone is seconds. systemd.time(7).
func ParseSpan(s string) (Span, error) { return 0, nil }

// ParseSpanUnit reads a time span in which a number alone counts units.
func ParseSpanUnit(s string, unit Span) (Span, error) { return 0, nil }

// ParseNanoseconds reads a time span to the nanosecond; a number alone is nanoseconds.
func ParseNanoseconds(s string) (uint64, error) { return 0, nil }

// String gives the span with an accuracy of 1 µs: "1min 30s", "infinity", "0".
func (s Span) String() string { return "" }

// Format gives the span rounded down to an accuracy.
func (s Span) Format(accuracy Span) string { return "" }

// ParseSize reads a number of bytes with suffixes K M G T P E to the base 1024.
func ParseSize(s string) (Size, error) { return 0, nil }

// ParseSize1000 reads a number of bytes with suffixes K M G T P E to the base 1000.
func ParseSize1000(s string) (Size, error) { return 0, nil }

// String gives the size in full: "infinity", "64M" or "1000".
func (s Size) String() string { return "" }

// Format gives the size as people read it, to one digit: "1.5G".
func (s Size) Format() string { return "" }

// ParsePercent reads "0%" to "100%".
func ParsePercent(s string) (int, error) { return 0, nil }

// ParsePermille reads a percentage ("12.5%") or permille ("125‰") into thousandths.
func ParsePermille(s string) (int, error) { return 0, nil }

// ParsePermyriad reads a percentage, permille or permyriad ("1250‱") into ten-thousandths.
func ParsePermyriad(s string) (int, error) { return 0, nil }

// ParsePermyriadUnbounded is ParsePermyriad without the limit of 100%.
func ParsePermyriadUnbounded(s string) (int, error) { return 0, nil }

// ParseSignal reads a signal by name, with or without SIG, or by number.
func ParseSignal(s string) (Signal, error) { return 0, nil }

// String gives the name of the signal: "SIGTERM", "SIGRTMIN+3".
func (s Signal) String() string { return "" }

// Valid reports whether s is a signal of Linux.
func (s Signal) Valid() bool { return false }

// ParseMode reads permission bits, octal, up to 07777.
func ParseMode(s string) (Mode, error) { return 0, nil }

// String gives the mode as four octal digits or more: "0755".
func (m Mode) String() string { return "" }

// ParseInt reads a signed integer of so many bits by systemd's rules: decimal, or 0x, 0o, 0b, 0.
func ParseInt(s string, bits int) (int64, error) { return 0, nil }

// ParseUint reads an unsigned integer of so many bits by systemd's rules.
func ParseUint(s string, bits int) (uint64, error) { return 0, nil }

// ParseLimit gives the limit called word: "NOFILE".
func ParseLimit(word string) (Limit, bool) { return 0, false }

// LimitInfinity is the resource limit without an end.
const LimitInfinity uint64 = 1<<64 - 1

// ParseRlimit reads the value of a Limit…= directive in the unit of setrlimit(2):
// "soft:hard" or one value for both, "infinity" for none.
func ParseRlimit(l Limit, s string) (soft, hard uint64, err error) { return 0, 0, nil }

// FormatRlimit gives one value as ParseRlimit reads it.
func FormatRlimit(l Limit, v uint64) string { return "" }

// ExitStatus gives the name and the class ("libc", "systemd", "LSB", "BSD") of
// an exit status; "" and "" if it has none.
func ExitStatus(status uint8) (name, class string) { return "", "" }

// ParseExitStatus reads an exit status by name or number.
func ParseExitStatus(s string) (uint8, error) { return 0, nil }

// Add adds what one word stands for: an exit status or a signal by name, or a
// status by number.
func (e *ExitSet) Add(word string) error { return nil }

// HasStatus reports whether the set has an exit status.
func (e ExitSet) HasStatus(status uint8) bool { return false }

// HasSignal reports whether the set has a signal.
func (e ExitSet) HasSignal(sig Signal) bool { return false }

// String gives the words of the set, joined by blanks.
func (e ExitSet) String() string { return "" }

// CPUSet is a set of CPU numbers, sorted.
type CPUSet []uint

// ParseCPUSet reads CPU numbers and ranges: "0-3,5 7".
func ParseCPUSet(s string) (CPUSet, error) { return nil, nil }

// String gives the set with ranges: "0-3 5".
func (c CPUSet) String() string { return "" }

// Merge gives the union of two sets.
func (c CPUSet) Merge(other CPUSet) CPUSet { return nil }

// CompareVersions orders two version strings: less than 0 if a is older.
func CompareVersions(a, b string) int { return 0 }

// Calendar is a calendar event expression. systemd.time(7).
type Calendar struct {
	weekdays uint8
}

// ParseCalendar reads a calendar event expression.
func ParseCalendar(s string) (Calendar, error) { return Calendar{}, nil }

// String gives the normalised form.
func (c Calendar) String() string { return "" }

// Next gives the first elapse later than after, both in microseconds since 1970;
// local is the zone of expressions that name none. ok is false if there is none.
func (c Calendar) Next(after uint64, local *time.Location) (next uint64, ok bool) {
	return 0, false
}

// ParseTimestamp reads a time stamp in microseconds since 1970, absolute in the
// local zone or UTC, or relative to now ("today", "+5min", "2h ago").
func ParseTimestamp(s string, now uint64, local *time.Location) (uint64, error) { return 0, nil }

// FormatTimestamp gives a time stamp to the second: "Sat 2012-09-22 16:34:22 UTC".
func FormatTimestamp(real uint64, local *time.Location) string { return "" }

// WordFlags say how NextWord takes words apart.
type WordFlags uint8

// The flags.
const (
	// Unquote takes quotes '…' and "…" away; separators inside them count as text.
	Unquote WordFlags = 1 << iota
	// KeepQuotes honours quotes and leaves them in the word.
	KeepQuotes
	// CUnescape replaces escapes as in C: \n, \x41, \u00e4, \s for a blank.
	CUnescape
	// RelaxEscape leaves unknown escapes as they are instead of refusing them.
	RelaxEscape
	// RetainEscape leaves the backslash of every escape in the word.
	RetainEscape
	// SeparatorEscape makes a backslash before a separator part of the word.
	SeparatorEscape
	// Relax accepts a missing closing quote or a backslash at the end.
	Relax
	// KeepEmpty gives an empty word between two separators that follow each other.
	KeepEmpty
)

// Blanks are the separators of words in most directives.
const Blanks = " \t\n\r"

// NextWord takes the first word off s. ok is false if there is none left.
func NextWord(s, separators string, flags WordFlags) (word, rest string, ok bool, err error) {
	return "", "", false, nil
}

// Words takes s apart at blanks.
func Words(s string, flags WordFlags) ([]string, error) { return nil, nil }

// Quote gives a word as a shell reads it, in quotes where it needs them.
func Quote(word string) string { return "" }

// JoinWords quotes words and joins them by blanks.
func JoinWords(words []string) string { return "" }

// ParseCommands reads one value of an Exec…= directive: one command or several
// with lone ; between them. expand replaces specifiers; nil leaves them alone.
func ParseCommands(line string, expand func(string) (string, error)) ([]Command, error) {
	return nil, nil
}

// FlagNames gives the flags as the bus property ExecStartEx lists them:
// "ignore-failure", "privileged", "no-setuid", "no-env-expand", "ambient".
func (f CommandFlags) FlagNames() []string { return nil }

// ExpandArgs replaces $VAR and ${VAR} in the arguments of a command.
// systemd.service(5), COMMAND LINES.
func ExpandArgs(argv []string, env func(name string) (string, bool)) []string { return nil }

// ParseEnvironment reads one value of Environment=: assignments in the order they
// stand, and what was wrong with those left out. expand replaces specifiers.
func ParseEnvironment(line string, expand func(string) (string, error)) (assign []string, faults []error) {
	return nil, nil
}

// ParseEnvFile reads the text of an EnvironmentFile=. systemd.exec(5).
func ParseEnvFile(text []byte) ([]string, error) { return nil, nil }

// ValidEnvName reports whether s may be the name of an environment variable.
func ValidEnvName(s string) bool { return false }

// ValidEnvAssign reports whether s is a valid "NAME=value".
func ValidEnvAssign(s string) bool { return false }

// MergeEnv merges assignments; a later one takes the place of an earlier one of
// the same name.
func MergeEnv(lists ...[]string) []string { return nil }
