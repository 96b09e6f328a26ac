package spawn

import (
	"slices"
	"strings"

	"rouse/internal/host/sys"
)

// applied are the directives of unit.Exec that are carried out between fork and
// exec, on every system.
var applied = []string{
	"ExecSearchPath", "Group", "IgnoreSIGPIPE", "Nice", "RootDirectory", "SupplementaryGroups",
	"UMask", "User", "WorkingDirectory",
}

// Applies reports whether a process gets what the directive says, on this
// system. Those that the manager sees to (Environment=, StandardOutput=,
// RuntimeDirectory= and so on) are none of them.
func Applies(directive string) bool {
	if limit, ok := strings.CutPrefix(directive, "Limit"); ok {
		_, ok = sys.LimitNumber(limit)
		return ok
	}
	return slices.Contains(applied, directive) || slices.Contains(appliedHere, directive)
}
