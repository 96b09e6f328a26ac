//go:build !linux

package spawn

import "rouse/internal/host/sys"

// applyCalls: no file for this system makes any.
func applyCalls(*step) error { return sys.ENOSYS }
