package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// delegated are the files of a group that whoever it is handed to must be able to write:
// those by which processes are moved and controllers are passed on. cgroups(7), "Cgroups
// delegation: delegating a hierarchy to a less privileged user".
var delegated = []string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks"}

func (g *group) Delegate(uid, gid int) error {
	err := os.Chown(g.dir, uid, gid)
	for _, name := range delegated { // version 1 has others than version 2
		e := os.Chown(filepath.Join(g.dir, name), uid, gid)
		if !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("delegate the control group of %s: %w", g.unit, err)
	}
	return nil
}
