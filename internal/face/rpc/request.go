package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"rouse/internal/face"
)

// reply is what goes back for one request.
type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *wireError      `json:"error,omitempty"`
}

// MarshalJSON gives a reply exactly one of result and error, and an id.
func (r reply) MarshalJSON() ([]byte, error) {
	id := r.ID
	if id == nil {
		id = json.RawMessage("null")
	}
	if r.Error != nil {
		return json.Marshal(struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Error   *wireError      `json:"error"`
		}{r.Version, id, r.Error})
	}
	return json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{r.Version, id, r.Result})
}

// request is one request as read; ID is nil for a notification.
type request struct {
	id     json.RawMessage
	method *method
	params params
}

// handle answers one value: a request or a batch of them.
func (c *conn) handle(raw []byte) {
	if !json.Valid(raw) {
		c.send(reply{Version: "2.0", Error: &wireError{Code: codeParse, Message: "not JSON"}})
		return
	}
	if raw[0] != '[' {
		c.one(raw, func(r reply) { c.send(r) }, func(m SavedMember) {
			c.park(SavedCall{Members: []SavedMember{m}})
		}, func() {})
		return
	}
	var members []json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || len(members) == 0 {
		c.send(reply{Version: "2.0", Error: &wireError{Code: codeRequest, Message: "empty batch"}})
		return
	}
	c.batch(members)
}

// batch answers all members with one array, once the last has been answered. Those
// that wait for a job do so side by side.
func (c *conn) batch(members []json.RawMessage) {
	var mu sync.Mutex
	var all sync.WaitGroup
	replies := make([]*SavedMember, len(members))
	put := func(i int, m SavedMember) {
		mu.Lock()
		defer mu.Unlock()
		replies[i] = &m
	}
	for i, m := range members {
		all.Add(1)
		c.one(m, func(r reply) { put(i, SavedMember{Reply: rawReply(r)}) },
			func(m SavedMember) { put(i, m) }, all.Done)
	}
	c.hold(1)
	c.wg.Go(func() {
		defer c.hold(-1)
		all.Wait()
		call := SavedCall{Batch: true}
		for _, r := range replies {
			if r != nil {
				call.Members = append(call.Members, *r)
			}
		}
		if len(call.Members) > 0 {
			c.answer(call)
		}
	})
}

// one begins one request. answer or park, for what is to be answered later, is called
// at most once, then done exactly once.
func (c *conn) one(
	raw json.RawMessage, answer func(reply), park func(SavedMember), done func(),
) {
	req, fault := parseRequest(raw)
	if fault != nil {
		answer(reply{Version: "2.0", ID: req.id, Error: fault})
		done()
		return
	}
	run := func() {
		defer done()
		result, err := req.method.run(c.ctx, c.s.Manager, &req.params)
		switch {
		case req.id == nil:
		case errors.Is(err, face.ErrSuspended):
			m := SavedMember{Request: bytes.Clone(raw)}
			m.settle(req, result, err)
			park(m)
		case err != nil:
			answer(reply{Version: "2.0", ID: req.id, Error: wireErrorOf(err)})
		default:
			answer(reply{Version: "2.0", ID: req.id, Result: result})
		}
	}
	switch {
	case req.method.stream:
		c.subscribe(req, answer, done)
	case req.method.waits != nil && req.method.waits(&req.params):
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
			done()
			return
		}
		c.hold(1)
		queued := make(chan struct{})
		tell := sync.OnceFunc(func() { close(queued) })
		req.params.queued = tell
		c.wg.Go(func() {
			defer func() { <-c.slots }()
			defer c.hold(-1)
			defer tell()
			run()
		})
		if req.method.queues {
			<-queued // so that jobs are queued in the order of their requests
		}
	default:
		run()
	}
}

// subscribe answers true and then sends a notification for each event, until the
// connection ends. If the manager drops the subscription, so is the connection.
func (c *conn) subscribe(req request, answer func(reply), done func()) {
	events, err := c.s.Manager.Subscribe(c.ctx)
	if err != nil {
		answer(reply{Version: "2.0", ID: req.id, Error: wireErrorOf(err)})
		done()
		return
	}
	answer(reply{Version: "2.0", ID: req.id, Result: true})
	done()
	c.hold(1)
	c.wg.Go(func() {
		defer c.hold(-1)
		for {
			select {
			case <-c.ctx.Done():
				return
			case <-c.s.leave.Suspending():
				c.mu.Lock()
				c.saved.Subscribed++
				c.mu.Unlock()
				return
			case e, ok := <-events:
				if !ok {
					c.s.log("control connection dropped: the client lags behind the events")
					c.cancel()
					return
				}
				c.send(notification{Version: "2.0", Method: "event", Params: e})
			}
		}
	})
}

// notification is what a subscriber is sent.
type notification struct {
	Version string     `json:"jsonrpc"`
	Method  string     `json:"method"`
	Params  face.Event `json:"params"`
}

// parseRequest takes a request apart. The id is given even with a fault, if there
// is one that can be read.
func parseRequest(raw json.RawMessage) (request, *wireError) {
	var m struct {
		Version any             `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  *string         `json:"method"`
		Params  json.RawMessage `json:"params"`
	}
	bad := func(why string) *wireError { return &wireError{Code: codeRequest, Message: why} }
	if err := json.Unmarshal(raw, &m); err != nil {
		return request{}, bad("not a request")
	}
	req := request{}
	if len(m.ID) > 0 {
		if m.ID[0] == '{' || m.ID[0] == '[' || m.ID[0] == 't' || m.ID[0] == 'f' {
			return req, bad("id: not a string, a number or null")
		}
		req.id = bytes.Clone(m.ID)
	}
	if m.Version != "2.0" {
		return req, bad(`jsonrpc: not "2.0"`)
	}
	if m.Method == nil {
		return req, bad("method: missing")
	}
	req.method = methodNamed(*m.Method)
	if req.method == nil {
		return req, &wireError{Code: codeMethod, Message: fmt.Sprintf("no method %q", *m.Method)}
	}
	p, err := parseParams(m.Params, req.method.takes)
	if err == nil {
		err = p.require(req.method.needs)
	}
	if err != nil {
		return req, &wireError{Code: codeParams, Message: req.method.name + ": " + err.Error()}
	}
	req.params = p
	return req, nil
}

// failure is an error of the manager with a D-Bus name.
func failure(name, text string) *wireError {
	return &wireError{Code: codeFailed, Message: text, Data: &errorData{Name: name}}
}

// wireErrorOf gives the error as it goes over the wire.
func wireErrorOf(err error) *wireError {
	var bad badParam
	if errors.As(err, &bad) {
		return &wireError{Code: codeParams, Message: bad.Error()}
	}
	var job jobError
	if errors.As(err, &job) {
		w := failure(errorJob, job.Error())
		w.Data.Job = jobToWire(face.JobReply(job))
		return w
	}
	var e *face.Error
	if errors.As(err, &e) {
		return failure(e.Name, e.Message)
	}
	if errors.Is(err, context.Canceled) {
		return failure(errorFailed, "the connection ended")
	}
	return failure(errorFailed, err.Error())
}
