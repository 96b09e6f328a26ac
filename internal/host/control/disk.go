package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rouse/internal/host/sys"
)

// Disk finds the whole disk that a path is about, as "8:0": the device that it is, or
// the one below the file system that it is on. What has no single one has none.
func Disk(path string) (string, error) {
	node, err := sys.DeviceOf(path)
	if err != nil {
		return "", err
	}
	d := node.Device
	if d.Kind != sys.BlockDevice {
		d = node.Under
	}
	if d.Major == 0 {
		return "", fmt.Errorf("%s: there is no block device behind it", path)
	}
	number := fmt.Sprintf("%d:%d", d.Major, d.Minor)
	dir := "/sys/dev/block/" + number
	if _, err := os.Stat(dir + "/partition"); err != nil {
		return number, nil
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Dir(real) + "/dev")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}
