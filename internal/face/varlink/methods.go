package varlink

import (
	"context"
	"fmt"

	"rouse/internal/face"
)

// methods are what can be asked for.
var methods = map[string]func(*Server, context.Context, *request) []reply{
	"io.systemd.UserDatabase.GetUserRecord": func(
		s *Server, ctx context.Context, q *request,
	) []reply {
		return s.records(ctx, q, []string{"userName"}, []string{"uid"}, userOf)
	},
	"io.systemd.UserDatabase.GetGroupRecord": func(
		s *Server, ctx context.Context, q *request,
	) []reply {
		return s.records(ctx, q, []string{"groupName"}, []string{"gid"}, groupOf)
	},
	"io.systemd.UserDatabase.GetMemberships":      memberships,
	"org.varlink.service.GetInfo":                 info,
	"org.varlink.service.GetInterfaceDescription": describe,
}

// answer gives the replies to a message. It is not ok if the connection is to be closed:
// what is no request, and one that wants no answer, since all there is here are answers.
func (s *Server) answer(ctx context.Context, message []byte) (replies []reply, ok bool) {
	q, ok := parse(message)
	if !ok || q.oneway {
		return nil, false
	}
	if run := methods[q.method]; run != nil {
		return run(s, ctx, &q), true
	}
	return []reply{{
		Error:      "org.varlink.service.MethodNotFound",
		Parameters: map[string]string{"method": q.method},
	}}, true
}

// records answers a request for users, or groups.
func (s *Server) records(
	ctx context.Context, q *request, names, numbers []string, of func(face.DynamicUser) any,
) []reply {
	l, wrong := q.lookup(names, numbers)
	if wrong != 0 {
		return errno(wrong)
	}
	return s.find(ctx, l, q.more, of)
}

// memberships tells who is in which group: nobody, for each user is alone in its own.
func memberships(_ *Server, _ context.Context, q *request) []reply {
	l, wrong := q.lookup([]string{"userName", "groupName"}, nil)
	switch {
	case wrong != 0:
		return errno(wrong)
	case l.service != Service:
		return refusal(badService)
	}
	return refusal(noRecord)
}

// info tells what this is. systemd 252 does not know the answer; later versions do.
func info(s *Server, _ context.Context, q *request) []reply {
	if len(q.parameters) > 0 {
		return invalid(q.parameters[0].name)
	}
	return []reply{{Parameters: struct {
		Vendor     string   `json:"vendor"`
		Product    string   `json:"product"`
		Version    string   `json:"version"`
		URL        string   `json:"url"`
		Interfaces []string `json:"interfaces"`
	}{"rouse", "roused", s.Version, "", []string{"io.systemd.UserDatabase", "org.varlink.service"}}}}
}

// describe gives an interface in the words of Varlink.
func describe(_ *Server, _ context.Context, q *request) []reply {
	for _, m := range q.parameters {
		if m.name != "interface" {
			return invalid(m.name)
		}
	}
	if len(q.parameters) != 1 {
		return invalid("interface")
	}
	which, ok := quoted(q.parameters[0].value, true)
	if !ok {
		return invalid("interface")
	}
	text, ok := descriptions[which]
	if !ok {
		return []reply{{
			Error:      "org.varlink.service.InterfaceNotFound",
			Parameters: map[string]string{"interface": which},
		}}
	}
	return []reply{{Parameters: map[string]string{
		"description": fmt.Sprintf("interface %s\n\n%s", which, text),
	}}}
}

func invalid(parameter string) []reply {
	return []reply{{
		Error:      "org.varlink.service.InvalidParameter",
		Parameters: map[string]string{"parameter": parameter},
	}}
}

// descriptions are the interfaces, by name.
var descriptions = map[string]string{
	"io.systemd.UserDatabase": `method GetUserRecord(uid: ?int, userName: ?string, service: string)
  -> (record: object)
method GetGroupRecord(gid: ?int, groupName: ?string, service: string) -> (record: object)
method GetMemberships(userName: ?string, groupName: ?string, service: string)
  -> (userName: string, groupName: string)

error NoRecordFound()
error BadService()
error ConflictingRecordFound()
`,
	"org.varlink.service": `method GetInfo() -> (
  vendor: string, product: string, version: string, url: string, interfaces: []string
)
method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound(interface: string)
error MethodNotFound(method: string)
error InvalidParameter(parameter: string)
`,
}
