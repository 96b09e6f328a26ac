//go:build unix

package sys

// LimitNumber is the number of a resource limit for Limit and SetLimit, by the
// name after "Limit" in systemd.exec(5). ok is false if this system has none.
func LimitNumber(name string) (number int, ok bool) {
	for _, l := range limitNumbers {
		if l.name == name {
			return l.number, true
		}
	}
	return 0, false
}
