package output

import (
	"os"
	"strconv"
	"strings"

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
func isVirtual(path, sys string) bool {
	name := strings.TrimPrefix(path, "/dev/")
	for _, alias := range [...]string{"console", "tty0"} {
		if name == alias {
			text, _ := os.ReadFile(sys + "/class/tty/" + alias + "/active")
			if names := strings.Fields(string(text)); len(names) > 0 {
				name = names[len(names)-1]
			}
		}
	}
	number, ok := strings.CutPrefix(name, "tty")
	n, err := strconv.ParseUint(number, 10, 8)
	return ok && err == nil && n > 0 && n <= mostTerminals
}
