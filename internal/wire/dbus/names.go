package dbus

import "strings"

// IsPath reports whether s is the path of an object: "/", or elements of
// letters, digits and "_", each after a "/".
func IsPath(s string) bool {
	if s == "/" {
		return true
	}
	if len(s) < 2 || s[0] != '/' {
		return false
	}
	for element := range strings.SplitSeq(s[1:], "/") {
		if !isElement(element, "_", true) {
			return false
		}
	}
	return true
}

// IsBusName reports whether s names a connection: by a unique name as ":1.42", or
// by a well-known one as "org.freedesktop.systemd1".
func IsBusName(s string) bool {
	if unique, ok := strings.CutPrefix(s, ":"); ok {
		return len(s) <= MaxName && isDotted(unique, "_-", true)
	}
	return len(s) <= MaxName && isDotted(s, "_-", false)
}

// IsInterface reports whether s names an interface, or an error: they look alike.
func IsInterface(s string) bool { return len(s) <= MaxName && isDotted(s, "_", false) }

// IsMember reports whether s names a method or a signal.
func IsMember(s string) bool { return len(s) <= MaxName && isElement(s, "_", false) }

// isDotted reports whether s is two elements or more with dots between them.
func isDotted(s, also string, digitFirst bool) bool {
	if !strings.Contains(s, ".") {
		return false
	}
	for element := range strings.SplitSeq(s, ".") {
		if !isElement(element, also, digitFirst) {
			return false
		}
	}
	return true
}

func isElement(s, also string, digitFirst bool) bool {
	if s == "" || !digitFirst && '0' <= s[0] && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}
