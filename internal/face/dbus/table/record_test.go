package table

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// shared are runs of members that several interfaces have, by their first and last.
var shared = [...]struct{ name, first, last string }{
	{"resources", "Slice", "RestrictNetworkInterfaces"},
	{"execution", "Environment", "IPCNamespacePath"},
	{"killing", "KillMode", "WatchdogSignal"},
}

// hidden are the members that introspection does not mention. They were found by asking
// a running systemd for every name that its program contains. IOScheduling, a number
// that no client of today asks for, is left out.
var hidden = map[string][]string{
	Manager: {
		"property DefaultStartLimitInterval t hidden DefaultStartLimitIntervalUSec",
		"property DefaultStartLimitIntervalSec t hidden DefaultStartLimitIntervalUSec",
		"property ShutdownWatchdogUSec t writable privileged hidden RebootWatchdogUSec",
		"method CreateSnapshot name:s cleanup:b -> snapshot:o hidden",
		"method RemoveSnapshot name:s hidden",
	},
	Unit: {
		"property OnSuccesJobMode s hidden OnSuccessJobMode",
		"property RequiresOverridable as hidden",
		"property RequisiteOverridable as hidden",
		"property RequiredByOverridable as hidden",
		"property RequisiteOfOverridable as hidden",
		"property StartLimitInterval t hidden StartLimitIntervalUSec",
		"property StartLimitIntervalSec t hidden StartLimitIntervalUSec",
	},
	Prefix + "Service": append([]string{
		"property FailureAction s hidden FailureAction",
		"property PermissionsStartOnly b hidden",
		"property RebootArgument s hidden RebootArgument",
		"property StartLimitAction s hidden StartLimitAction",
		"property StartLimitBurst u hidden StartLimitBurst",
		"property StartLimitInterval t hidden StartLimitIntervalUSec",
	}, hiddenExecution...),
	Prefix + "Socket": hiddenExecution,
	Prefix + "Mount":  hiddenExecution,
	Prefix + "Swap":   hiddenExecution,
}

var hiddenExecution = []string{
	"property Capabilities s hidden",
	"property InaccessibleDirectories as hidden InaccessiblePaths",
	"property ReadOnlyDirectories as hidden ReadOnlyPaths",
	"property ReadWriteDirectories as hidden ReadWritePaths",
}

// record writes interfaces.txt from what systemd says.
func record(t *testing.T) {
	groups := make(map[string][]string)
	var order, body strings.Builder
	for _, n := range names() {
		lines := []string{}
		for _, m := range introspect(t, n) {
			lines = append(lines, m.line())
		}
		for _, s := range shared {
			lines = share(lines, s.name, s.first, s.last, groups, &order)
		}
		lines = append(lines, hidden[n]...)
		lines = append([]string{"interface " + n}, lines...)
		body.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	file := order.String() + strings.TrimSuffix(body.String(), "\n")
	if err := os.WriteFile("interfaces.txt", []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	text = file
}

// share replaces a run of lines by a reference to the group, if they are the same as
// where it was first seen.
func share(
	lines []string, group, first, last string, groups map[string][]string, order *strings.Builder,
) []string {
	named := func(n string) func(string) bool {
		return func(l string) bool { return strings.HasPrefix(l, "property "+n+" ") }
	}
	from, to := slices.IndexFunc(lines, named(first)), slices.IndexFunc(lines, named(last))
	if from < 0 || to < 0 {
		return lines
	}
	run := slices.Clone(lines[from : to+1])
	if groups[group] == nil {
		groups[group] = run
		order.WriteString("group " + group + "\n" + strings.Join(run, "\n") + "\n\n")
	}
	if !slices.Equal(groups[group], run) {
		return lines
	}
	return slices.Replace(slices.Clone(lines), from, to+1, "with "+group)
}
