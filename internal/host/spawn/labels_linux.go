package spawn

import (
	"os"
	"strings"

	"rouse/internal/unit"
)

// Where security modules say that they are at work.
const (
	apparmorFile = "/sys/module/apparmor/parameters/enabled"
	selinuxFile  = "/sys/fs/selinux/enforce"
	smackFile    = "/sys/fs/smackfs"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isYes(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.HasPrefix(string(text), "Y")
}

// labels sets the security labels for exec. Those of modules that are not at work are
// left out, as systemd does.
func (p *planner) labels() {
	if p.privileged() {
		return
	}
	if l := p.x.SELinuxContext; l.Label != "" && exists(selinuxFile) {
		p.label("SELinuxContext", StatusSELinux, l, "/proc/self/attr/exec", l.Label+"\x00")
	}
	if l := p.x.AppArmorProfile; l.Label != "" && isYes(apparmorFile) {
		path := "/proc/self/attr/apparmor/exec"
		if !exists(path) {
			path = "/proc/self/attr/exec" // before Linux 5.8
		}
		p.label("AppArmorProfile", StatusAppArmor, l, path, "exec "+l.Label)
	}
}

// smackLabel sets the label of the process itself, which only the mighty may.
func (p *planner) smackLabel() {
	if l := p.x.SmackProcessLabel; l.Label != "" && exists(smackFile) {
		p.label("SmackProcessLabel", StatusSmack, l, "/proc/self/attr/current", l.Label)
	}
}

func (p *planner) label(directive string, status int, l unit.Label, path, text string) {
	if !p.wants(directive) {
		return
	}
	calls := writeFile(path, text)
	if l.Optional {
		calls[0].any, calls[1].any = true, true
	}
	p.attribute("set label "+l.Label, directive, status, calls...)
}
