package identity

import "strings"

// parseLines parses each line of text; comments, and lines that make no sense,
// are left out, as the C library does.
func parseLines[T any](text string, parse func(string) (T, bool)) []T {
	list := make([]T, 0, strings.Count(text, "\n")+1)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue
		}
		if row, ok := parse(line); ok {
			list = append(list, row)
		}
	}
	return list
}

// parseUser reads name:password:uid:gid:comment:home:shell. passwd(5).
func parseUser(line string) (User, bool) {
	f := strings.Split(line, ":")
	if len(f) < 7 || f[0] == "" {
		return User{}, false
	}
	uid, ok := number(f[2])
	gid, ok2 := number(f[3])
	if !ok || !ok2 {
		return User{}, false
	}
	return User{Name: f[0], UID: uid, GID: gid, Home: f[5], Shell: f[6]}, true
}

// parseGroup reads name:password:gid:member,member. group(5).
func parseGroup(line string) (Group, bool) {
	f := strings.Split(line, ":")
	if len(f) < 4 || f[0] == "" {
		return Group{}, false
	}
	gid, ok := number(f[2])
	if !ok {
		return Group{}, false
	}
	g := Group{Name: f[0], GID: gid}
	for member := range strings.SplitSeq(f[3], ",") {
		if member = strings.TrimSpace(member); member != "" {
			g.Members = append(g.Members, member)
		}
	}
	return g, true
}
