//go:build unix && !linux

package spawn

import (
	"fmt"
	"os"

	"rouse/internal/host/sys"
)

// Try reports why the trial fails; nil is that it does not. An error that is no
// sys.Errno means that nothing was tried.
func Try(t Trial) error {
	if t != TrialChroot && t != TrialGroups {
		return fmt.Errorf("trial %d: %w", t, sys.ErrUnsupported)
	}
	if os.Geteuid() != 0 {
		return sys.EPERM
	}
	return nil
}
