package load

import (
	_ "embed"
	"strings"
)

//go:embed builtin/system.txt
var systemUnits string

//go:embed builtin/user.txt
var userUnits string

// builtins gives the units that exist without a file, by name.
func builtins(user bool) map[string]file {
	text := systemUnits
	if user {
		text = userUnits
	}
	files := map[string]file{}
	for i, part := range strings.Split("\n"+text, "\n-- ") {
		if i == 0 {
			continue // the head of the table
		}
		title, text, _ := strings.Cut(part+"\n", " --\n")
		name, alias, _ := strings.Cut(title, " -> ")
		files[name] = file{name: name, alias: alias, builtin: true, text: text}
	}
	return files
}
