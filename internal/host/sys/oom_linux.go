package sys

import (
	"os"
	"strconv"
)

// SetOOMScoreAdjust says how soon the kernel kills the process when memory runs
// out, -1000 to 1000. proc(5), /proc/pid/oom_score_adj, Linux 2.6.36.
func SetOOMScoreAdjust(n int) error {
	f, err := os.OpenFile("/proc/self/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(strconv.Itoa(n))
	return err
}

// HaveOOMScoreAdjust says that SetOOMScoreAdjust does something here.
const HaveOOMScoreAdjust = true
