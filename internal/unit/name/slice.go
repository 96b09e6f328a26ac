package name

import (
	"fmt"
	"strings"
)

// RootSlice is the slice that all others are in.
const RootSlice = "-.slice"

// ValidSlice reports whether name is a valid name of a slice: its parts between
// dashes name the slices it is in, so none of them is empty. systemd.slice(5).
func ValidSlice(name string) bool {
	if name == RootSlice {
		return true
	}
	if !Valid(name, Plain) || TypeOf(name) != Slice {
		return false
	}
	dashed := "-" + Prefix(name) + "-"
	return !strings.Contains(dashed, "--")
}

// ParentSlice gives the slice that a slice is in: a.slice for a-b.slice, -.slice
// for a.slice; ok is false for -.slice and for what is no valid slice.
func ParentSlice(slice string) (parent string, ok bool) {
	if slice == RootSlice || !ValidSlice(slice) {
		return "", false
	}
	if dash := strings.LastIndexByte(slice, '-'); dash >= 0 {
		return slice[:dash] + ".slice", true
	}
	return RootSlice, true
}

// SubSlice gives the slice called child inside another: "b" in a.slice is
// a-b.slice.
func SubSlice(parent, child string) (string, error) {
	if !ValidSlice(parent) {
		return "", fmt.Errorf("slice %q: not a valid slice", parent)
	}
	name := child + ".slice"
	if parent != RootSlice {
		name = Prefix(parent) + "-" + name
	}
	if !ValidPrefix(child) || !ValidSlice(name) {
		return "", fmt.Errorf("slice %q in %s: not a valid slice", child, parent)
	}
	return name, nil
}
