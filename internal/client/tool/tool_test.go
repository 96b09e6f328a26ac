package tool_test

import (
	"testing"

	"rouse/internal/client/tool"
	"rouse/internal/client/tool/tooltest"
)

// TestScripts compares the programs with what systemd's printed.
func TestScripts(t *testing.T) { tooltest.Scripts(t, tool.All()) }
