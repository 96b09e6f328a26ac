package spawn

import (
	"encoding/hex"
	"os"
	"slices"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// invocationRights: who has the keyring and whose key it is may look the key up and
// read it, and nobody may change it. keyctl(2), KEYCTL_SETPERM.
const invocationRights = 0x0b0b0000

// keyring makes the session keyring of KeyringMode=. The kernel would make one when it
// is first needed, but tie it to the user, and with that to all other services of that
// user. Where there are no keyrings, or a filter forbids them, the manager's is kept.
func (p *planner) keyring() {
	if p.x.Keyring == unit.KeyringInherit || !p.wants("KeyringMode") {
		return
	}
	as, back := p.keyOwner()
	var rest []call // for those who got a keyring
	if p.x.Keyring == unit.KeyringShared {
		rest = append(rest, keyctl(num(sys.KeyctlLink), num(sys.UserKeyring), num(sys.SessionKeyring)))
	}
	rest = append(rest, back...)
	rest = append(rest, p.invocationKey(len(as)+1+len(rest), len(back))...)
	join := keyctl(num(sys.KeyctlJoin), num(0))
	join.any, join.skip = true, len(rest)
	if len(rest) > 0 {
		rest[len(rest)-1].done = len(back) // which are there once more for the others
	}
	p.add(step{
		kind: stepCalls, text: "make session keyring", directive: "KeyringMode",
		status: StatusKeyring, calls: slices.Concat(as, []call{join}, rest, back),
	})
}

func keyctl(args ...arg) call { return call{nr: sys.CallKeyctl, args: args} }

// keyOwner gives the calls that make the user and group of the process those that new
// keyrings belong to, and those that undo it.
func (p *planner) keyOwner() (as, back []call) {
	if gid := p.who.gid; gid >= 0 && gid != os.Getgid() {
		as = append(as, call{nr: sys.CallSetregid, args: []arg{num(gid), num(-1)}})
		back = append(back, call{nr: sys.CallSetregid, args: []arg{num(os.Getgid()), num(-1)}})
	}
	if u := p.who.user; u != nil && u.UID != os.Getuid() {
		as = append(as, call{nr: sys.CallSetreuid, args: []arg{num(u.UID), num(-1)}})
		back = append(back, call{nr: sys.CallSetreuid, args: []arg{num(os.Getuid()), num(-1)}})
	}
	return as, back
}

// invocationKey puts the unit's invocation into the keyring. The calls have the index at,
// and then follow as many as over says that are to be left out.
func (p *planner) invocationKey(at, over int) []call {
	id, err := hex.DecodeString(p.r.Invocation)
	if err != nil || len(id) == 0 {
		return nil
	}
	add := call{
		nr: sys.CallAddKey, any: true, skip: 1 + over,
		args: []arg{
			textArg("user"), textArg("invocation_id"), blockArg(id), num(len(id)),
			num(sys.SessionKeyring),
		},
	}
	perm := keyctl(num(sys.KeyctlSetPerm), resultOf(at), num(invocationRights))
	return []call{add, perm}
}
