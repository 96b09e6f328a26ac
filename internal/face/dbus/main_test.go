package dbus

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	checkBodies = true
	os.Exit(m.Run())
}
