//go:build unix && !linux

package sys

// SetOOMScoreAdjust is not to be had here.
func SetOOMScoreAdjust(int) error { return Unsupported("set oom_score_adj") }

// HaveOOMScoreAdjust says that SetOOMScoreAdjust does something here.
const HaveOOMScoreAdjust = false
