package varlink

import (
	"context"

	"rouse/internal/face"
)

// A userRecord is a user as JSON, systemd.io/USER_RECORD.
type userRecord struct {
	UserName      string `json:"userName"`
	UID           uint32 `json:"uid"`
	GID           uint32 `json:"gid"`
	RealName      string `json:"realName"`
	HomeDirectory string `json:"homeDirectory"`
	Shell         string `json:"shell"`
	Locked        bool   `json:"locked"`
	Service       string `json:"service"`
	Disposition   string `json:"disposition"`
}

// A groupRecord is a group as JSON, systemd.io/GROUP_RECORD.
type groupRecord struct {
	GroupName   string `json:"groupName"`
	Description string `json:"description"`
	GID         uint32 `json:"gid"`
	Service     string `json:"service"`
	Disposition string `json:"disposition"`
}

func userOf(u face.DynamicUser) any {
	return userRecord{
		UserName: u.Name, UID: u.UID, GID: u.UID, RealName: "Dynamic User", HomeDirectory: "/",
		Shell: "/usr/sbin/nologin", Locked: true, Service: Service, Disposition: "dynamic",
	}
}

func groupOf(u face.DynamicUser) any {
	return groupRecord{
		GroupName: u.Name, Description: "Dynamic Group", GID: u.UID, Service: Service,
		Disposition: "dynamic",
	}
}

// The errors of io.systemd.UserDatabase.
const (
	badService  = "io.systemd.UserDatabase.BadService"
	noRecord    = "io.systemd.UserDatabase.NoRecordFound"
	conflicting = "io.systemd.UserDatabase.ConflictingRecordFound"
)

// The numbers of users in no file. systemd.exec(5), DynamicUser=.
const (
	dynamicMin = 61184
	dynamicMax = 65519
)

// A lookup is what a request says about the records it is for.
type lookup struct {
	name    *string
	id      *uint32
	service string
}

// find gives the answer to a request for records, which all look as of makes them. Those
// who ask for all of them must be able to take several.
func (s *Server) find(
	ctx context.Context, l lookup, several bool, of func(face.DynamicUser) any,
) []reply {
	if l.service != Service {
		return refusal(badService)
	}
	list, err := s.Users(ctx)
	if err != nil {
		return errno(errIO)
	}
	if l.id == nil && l.name == nil {
		if len(list) > 1 && !several {
			return errno(errBusy)
		}
		return records(list, of)
	}
	for _, u := range list {
		switch {
		case l.id != nil && (u.UID != *l.id || u.UID < dynamicMin || u.UID > dynamicMax):
		case l.id == nil && u.Name != *l.name:
		case l.name != nil && u.Name != *l.name:
			return refusal(conflicting)
		default:
			return records([]face.DynamicUser{u}, of)
		}
	}
	return refusal(noRecord)
}

// records has a reply for each user, of which all but the last say that more follow.
func records(list []face.DynamicUser, of func(face.DynamicUser) any) []reply {
	if len(list) == 0 {
		return refusal(noRecord)
	}
	var replies []reply
	for i, u := range list {
		replies = append(replies, reply{
			Parameters: map[string]any{"record": of(u)}, Continues: i < len(list)-1,
		})
	}
	return replies
}
