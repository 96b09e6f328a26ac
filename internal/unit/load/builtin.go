package load

import (
	_ "embed"
	"strings"
)

//go:embed builtin/system.txt
var systemUnits string

//go:embed builtin/user.txt
var userUnits string

// builtins gives the units that exist without a file.
func builtins(user bool) []file {
	text := systemUnits
	if user {
		text = userUnits
	}
	var files []file
	for i, part := range strings.Split("\n"+text, "\n-- ") {
		if i == 0 {
			continue // the head of the table
		}
		title, text, _ := strings.Cut(part, " --\n")
		name, alias, _ := strings.Cut(title, " -> ")
		files = append(files, file{name: name, alias: alias, builtin: true, text: text})
	}
	return files
}
