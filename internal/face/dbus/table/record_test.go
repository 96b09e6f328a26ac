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

// hidden are the members that introspection does not mention. They were found by
// asking a running systemd for every name that its program contains.
var hidden = map[string][]string{}

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
