package analyze_test

import (
	"testing"

	"rouse/internal/client/analyze"
	"rouse/internal/client/tool"
	"rouse/internal/client/tool/tooltest"
)

// TestScripts compares with what systemd-analyze printed.
func TestScripts(t *testing.T) {
	tooltest.Scripts(t, []*tool.Program{&analyze.Program})
}
