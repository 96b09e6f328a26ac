package dbus

import (
	"context"
	"errors"
	"os"
	"time"

	"rouse/internal/face"
	"rouse/internal/wire/dbus"
)

// credentials implements link: the kernel has told who it is.
func (c *conn) credentials(context.Context, string) (creds, error) {
	return creds{uid: c.peer.UID, pid: c.peer.PID}, nil
}

var errNoBus = errors.New("not on a message bus")

// ask implements link.
func (c *conn) ask(context.Context, *dbus.Message) (*dbus.Message, error) { return nil, errNoBus }

// sender says who has sent the call.
func (c *call) sender() (creds, error) {
	if c.who == nil {
		who, err := c.from.credentials(c.ctx, c.m.Sender)
		if err != nil {
			return creds{uid: nobody}, err
		}
		c.who = &who
	}
	return *c.who, nil
}

// isPrivileged reports whether the sender may do everything: root, and the user that
// the manager runs as.
func (c *call) isPrivileged() bool {
	who, err := c.sender()
	return err == nil && (who.uid == 0 || int64(who.uid) == int64(os.Geteuid()))
}

// The actions of polkit, and what a person is asked. The messages are looked up by
// the agent in systemd's own catalogue, which has them by these words.
const (
	manageUnits     = "org.freedesktop.systemd1.manage-units"
	manageUnitFiles = "org.freedesktop.systemd1.manage-unit-files"
	reloadDaemon    = "org.freedesktop.systemd1.reload-daemon"
	setEnvironment  = "org.freedesktop.systemd1.set-environment"
)

// polkitPatience is how long a person may take to answer.
const polkitPatience = 5 * time.Minute

// allow reports whether the sender may do what the action is for; polkit is asked
// where the sender is not privileged. details are keys and values for polkit's rules.
func (c *call) allow(action string, details ...string) error {
	if c.isPrivileged() {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, polkitPatience)
	defer cancel()
	answer, err := c.from.ask(ctx, c.question(action, details))
	denied := refuse("AccessDenied", "Permission denied")
	switch {
	case err != nil:
		return denied
	case answer.Type == dbus.Error && isAbsent(answer.ErrorName):
		return denied
	case answer.Type == dbus.Error:
		return &face.Error{Name: answer.ErrorName, Message: answer.Decoder().Text()}
	case answer.Signature != "(bba{ss})":
		return denied
	}
	d := answer.Decoder()
	d.Struct()
	authorized, challenge := d.Bool(), d.Bool()
	switch {
	case d.Err() == nil && authorized:
		return nil
	case challenge:
		return refuse("InteractiveAuthorizationRequired", "Interactive authentication required.")
	}
	return denied
}

// isAbsent reports whether the error says that there is no polkit.
func isAbsent(name string) bool {
	switch name {
	case errorPrefix + "ServiceUnknown", errorPrefix + "NameHasNoOwner":
		return true
	}
	return false
}

// question is the call of polkit that asks whether the sender may.
func (c *call) question(action string, details []string) *dbus.Message {
	var e dbus.Encoder
	e.Struct()
	e.Text("system-bus-name")
	e.Array("{sv}", func() {
		e.Struct()
		e.Text("name")
		e.Variant("s")
		e.Text(c.m.Sender)
	})
	e.Text(action)
	e.Array("{ss}", func() {
		for i := 0; i+1 < len(details); i += 2 {
			e.Struct()
			e.Text(details[i])
			e.Text(plain(details[i+1]))
		}
	})
	var interactive uint32
	if c.m.Flags&dbus.AllowInteraction != 0 {
		interactive = 1
	}
	e.Uint32(interactive)
	e.Text("")
	return &dbus.Message{
		Type: dbus.Call, Path: "/org/freedesktop/PolicyKit1/Authority",
		Destination: "org.freedesktop.PolicyKit1",
		Interface:   "org.freedesktop.PolicyKit1.Authority", Member: "CheckAuthorization",
		Signature: "(sa{sv})sa{ss}us", Body: e.Bytes(),
	}
}
