package output

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// consolePath is the terminal of those that name none.
const consolePath = "/dev/console"

// TerminalOf is the path of the terminal of a context.
func TerminalOf(x *unit.Exec) string {
	if x.TTYPath != "" {
		return x.TTYPath
	}
	return consolePath
}

// UsesTerminal reports whether processes talk to a terminal, or have one of their own.
func UsesTerminal(x *unit.Exec) bool {
	writes := func(s unit.Stdio) bool {
		return s == unit.StdioTTY || s == unit.StdioJournalConsole || s == unit.StdioKmsgConsole
	}
	return isTerminal(x.Stdin) || writes(x.Stdout) || writes(x.Stderr) || x.TTYPath != ""
}

// TerminalType is what $TERM is for a context with a terminal: own, if that is set and
// the terminal is the console; else what the terminals of the kernel itself and serial
// lines usually are.
func TerminalType(x *unit.Exec, own string) string {
	path := TerminalOf(x)
	switch {
	case path == consolePath && own != "":
		return own
	case isVirtual(path, "/sys"):
		return "linux"
	}
	return "vt220"
}

// mostTerminals is how many virtual terminals the kernel has at most.
const mostTerminals = 63

// isVirtual reports whether the path is that of one of the kernel's own terminals, which
// show on a screen. The console may be one of them.
func isVirtual(path, sysfs string) bool {
	name := strings.TrimPrefix(path, "/dev/")
	for _, alias := range [...]string{"console", "tty0"} {
		if name == alias {
			text, _ := os.ReadFile(sysfs + "/class/tty/" + alias + "/active")
			if names := strings.Fields(string(text)); len(names) > 0 {
				name = names[len(names)-1]
			}
		}
	}
	return virtual(name) > 0
}

// virtual is the number of the kernel's own terminal of that name or path; 0 for others.
func virtual(name string) int {
	number, ok := strings.CutPrefix(strings.TrimPrefix(name, "/dev/"), "tty")
	n, err := strconv.ParseUint(number, 10, 8)
	if !ok || err != nil || n > mostTerminals {
		return 0
	}
	return int(n)
}

// TidiesTerminal reports whether something is done to the terminal before each process and
// after its end.
func TidiesTerminal(x *unit.Exec) bool { return x.TTYReset || x.TTYVHangup || x.TTYVTDisallocate }

// TidyTerminal does that. A terminal that cannot be had is left as it is, as it may have
// been unplugged.
func TidyTerminal(x *unit.Exec) {
	path := TerminalOf(x)
	if x.TTYVHangup {
		_ = sys.HangUpTerminal(path)
	}
	if x.TTYReset {
		_ = sys.ResetTerminal(path)
	}
	if x.TTYVTDisallocate && strings.HasPrefix(path, "/dev/") {
		_ = sys.ClearTerminal(path, virtual(path))
	}
}

// GivesTerminal reports whether a terminal is the user's while processes run.
func GivesTerminal(x *unit.Exec) bool {
	return isTerminal(x.Stdin) && (x.User != "" || x.DynamicUser)
}

// TakeTerminal gives the terminal back to root and the group of terminals, when the last
// process has ended.
func TakeTerminal(x *unit.Exec, group int) error {
	path := TerminalOf(x)
	return errors.Join(os.Chmod(path, 0o620), os.Chown(path, 0, group))
}

// sizeTerminal gives the terminal of standard input the size that the unit says.
func sizeTerminal(x *unit.Exec) {
	rows, columns := -1, -1
	if x.TTYRows != unit.TTYSizeUnset {
		rows = int(x.TTYRows)
	}
	if x.TTYColumns != unit.TTYSizeUnset {
		columns = int(x.TTYColumns)
	}
	if rows >= 0 || columns >= 0 {
		_ = sys.SizeTerminal(TerminalOf(x), rows, columns)
	}
}
