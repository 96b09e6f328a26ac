package main

import (
	"slices"
	"testing"
)

func TestForServices(t *testing.T) {
	got := forServices([]string{"A=b", "NOTIFY_SOCKET=/x", "XDG_RUNTIME_DIR=/run/user/1", "MAINPID=3"})
	if want := []string{"A=b", "XDG_RUNTIME_DIR=/run/user/1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
