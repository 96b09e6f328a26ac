package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"rouse/internal/face"
	"rouse/internal/unit/value"
)

// Client is the manager at the other end of a socket. It is safe for use by
// several goroutines; calls go over one connection, side by side. Each
// subscription has a connection of its own.
type Client struct {
	face.NoShow
	face.NoTransient
	face.NoFiles

	path string
	c    net.Conn

	writing sync.Mutex
	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan answer
	lost    error // why the connection is of no use any more
	done    chan struct{}
}

// answer is what came back for one call.
type answer struct {
	result json.RawMessage
	err    error
}

var _ face.Manager = (*Client)(nil)

// errClosed is given for calls on a connection that was closed.
var errClosed = errors.New("connection closed")

// Dial connects to the manager that listens on the socket path.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	cl := &Client{path: path, c: c, pending: map[uint64]chan answer{}, done: make(chan struct{})}
	go cl.read()
	return cl, nil
}

// Close ends the connection and waits for its reader.
func (c *Client) Close() error {
	err := c.c.Close()
	<-c.done
	return err
}

// read hands replies to those who wait for them, until the connection ends.
func (c *Client) read() {
	defer close(c.done)
	d := json.NewDecoder(bufio.NewReaderSize(c.c, 16<<10))
	for {
		var m message
		if err := d.Decode(&m); err != nil {
			c.fail(fmt.Errorf("read reply: %w", err))
			return
		}
		a := answer{result: m.Result}
		if m.Error != nil {
			a.err = errorOf(m.Error)
		}
		id, err := strconv.ParseUint(string(m.ID), 10, 64)
		if err != nil { // an error about the connection as a whole
			if a.err == nil {
				a.err = fmt.Errorf("read reply: unknown id %s", m.ID)
			}
			c.fail(a.err)
			return
		}
		c.mu.Lock()
		ch := c.pending[id]
		delete(c.pending, id)
		c.mu.Unlock()
		if ch != nil {
			ch <- a
		}
	}
}

// fail ends the connection and tells all who wait why.
func (c *Client) fail(err error) {
	c.c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = err
	for id, ch := range c.pending {
		ch <- answer{err: err}
		delete(c.pending, id)
	}
}

// errorOf gives the error of a reply.
func errorOf(w *wireError) error {
	if w.Data != nil && w.Data.Job != nil {
		return jobError(jobFromWire(*w.Data.Job))
	}
	if w.Data != nil && w.Data.Name != "" {
		return &face.Error{Name: w.Data.Name, Message: w.Message}
	}
	if w.Code == codeParams {
		return &face.Error{Name: face.InvalidArgs, Message: w.Message}
	}
	return errors.New(w.Message)
}

func jobFromWire(w wireJob) face.JobReply {
	r := face.JobReply{ID: w.ID, Unit: w.Unit, Type: w.Type, Result: w.Result}
	for _, a := range w.Affected {
		r.Affected = append(r.Affected,
			face.JobInfo{ID: a.ID, Unit: a.Unit, Type: a.Type, State: a.State})
	}
	return r
}

// call asks for one method and decodes its result into out, if that is not nil.
func (c *Client) call(ctx context.Context, method string, p map[string]any, out any) error {
	return c.callThen(ctx, method, p, out, func() {})
}

// callThen makes a call. It calls sent when no later call can overtake this one.
func (c *Client) callThen(
	ctx context.Context, method string, p map[string]any, out any, sent func(),
) error {
	ch := make(chan answer, 1)
	c.mu.Lock()
	if c.lost != nil {
		c.mu.Unlock()
		return c.lost
	}
	c.last++
	id := c.last
	c.pending[id] = ch
	c.mu.Unlock()
	if err := c.write(id, method, p); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	sent()
	select {
	case a := <-ch:
		if a.err != nil || out == nil {
			return a.err
		}
		if err := json.Unmarshal(a.result, out); err != nil {
			return fmt.Errorf("%s: reply: %w", method, err)
		}
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
		return ctx.Err()
	}
}

func (c *Client) write(id uint64, method string, p map[string]any) error {
	req := map[string]any{"jsonrpc": "2.0", "id": id, "method": method}
	if p != nil {
		req["params"] = p
	}
	b, err := json.Marshal(req)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.c.Write(append(b, '\n'))
	if errors.Is(err, net.ErrClosed) {
		return errClosed
	}
	return err
}

// Info implements face.Manager.
func (c *Client) Info(ctx context.Context) (i face.Info, err error) {
	err = c.call(ctx, "info", nil, &i)
	return i, err
}

// Units implements face.Manager.
func (c *Client) Units(ctx context.Context, patterns []string, load bool) ([]face.UnitInfo, error) {
	var out []face.UnitInfo
	err := c.call(ctx, "list-units", map[string]any{"patterns": orEmpty(patterns), "load": load}, &out)
	return out, err
}

// Jobs implements face.Manager.
func (c *Client) Jobs(ctx context.Context) (out []face.JobInfo, err error) {
	err = c.call(ctx, "list-jobs", nil, &out)
	return out, err
}

// Properties implements face.Manager.
func (c *Client) Properties(ctx context.Context, unit string) ([]face.Property, error) {
	return c.Show(ctx, unit, nil)
}

// Show gives the named properties of a unit, all if none are named.
func (c *Client) Show(ctx context.Context, unit string, names []string) ([]face.Property, error) {
	p := map[string]any{"unit": unit}
	if len(names) > 0 {
		p["properties"] = names
	}
	return c.properties(ctx, "show", p)
}

// Processes implements face.Manager.
func (c *Client) Processes(ctx context.Context, unit string) (out []face.Process, err error) {
	err = c.call(ctx, "processes", map[string]any{"unit": unit}, &out)
	return out, err
}

// jobMethods gives the method that asks for a type of job.
var jobMethods = map[string]string{
	"start": "start", "stop": "stop", "restart": "restart", "try-restart": "try-restart",
	"reload": "reload", "reload-or-restart": "reload-or-restart",
	"reload-or-try-restart": "try-reload-or-restart",
}

// Enqueue implements face.Manager. A job that does not end well is no error.
func (c *Client) Enqueue(ctx context.Context, req face.JobRequest) (face.JobReply, error) {
	method, ok := jobMethods[req.Type]
	if !ok {
		return face.JobReply{}, &face.Error{Name: face.InvalidArgs,
			Message: fmt.Sprintf("Job type %s invalid", req.Type)}
	}
	var w wireJob
	sent := req.Queued
	if sent == nil {
		sent = func() {}
	}
	err := c.callThen(ctx, method, map[string]any{
		"unit": req.Unit, "mode": req.Mode.String(), "wait": req.Wait,
	}, &w, sent)
	var bad jobError
	if errors.As(err, &bad) {
		return face.JobReply(bad), nil
	}
	return jobFromWire(w), err
}

// Plan implements face.Manager.
func (c *Client) Plan(ctx context.Context, req face.JobRequest) (out []face.PlannedJob, err error) {
	err = c.call(ctx, "plan", map[string]any{
		"unit": req.Unit, "type": req.Type, "mode": req.Mode.String(),
	}, &out)
	return out, err
}

// Why implements face.Manager.
func (c *Client) Why(ctx context.Context, unit string) (out []face.Cause, err error) {
	err = c.call(ctx, "why", map[string]any{"unit": unit}, &out)
	return out, err
}

// Kill implements face.Manager.
func (c *Client) Kill(ctx context.Context, unit, who string, sig value.Signal) error {
	p := map[string]any{"unit": unit, "who": who, "signal": int(sig)}
	return c.call(ctx, "kill", p, nil)
}

// ResetFailed implements face.Manager.
func (c *Client) ResetFailed(ctx context.Context, patterns []string) error {
	return c.call(ctx, "reset-failed", map[string]any{"patterns": orEmpty(patterns)}, nil)
}

// Cancel implements face.Manager.
func (c *Client) Cancel(ctx context.Context, job uint32) error {
	return c.call(ctx, "cancel", map[string]any{"job": job}, nil)
}

// Reload implements face.Manager.
func (c *Client) Reload(ctx context.Context, dry bool) (r face.ReloadReport, err error) {
	err = c.call(ctx, "daemon-reload", map[string]any{"dry": dry}, &r)
	return r, err
}

// Reexecute implements face.Reexec. It returns when that is done.
func (c *Client) Reexecute(ctx context.Context) error {
	return c.call(ctx, "daemon-reexec", nil, nil)
}

// Await implements face.Reexec.
func (c *Client) Await(ctx context.Context, job uint32) (result string, err error) {
	err = c.call(ctx, "await", map[string]any{"job": job}, &result)
	return result, err
}

// Load implements face.Manager.
func (c *Client) Load(ctx context.Context, names []string) (out []face.UnitInfo, err error) {
	err = c.call(ctx, "load", map[string]any{"units": orEmpty(names)}, &out)
	return out, err
}

// Remove implements face.Manager.
func (c *Client) Remove(ctx context.Context, unit string) error {
	return c.call(ctx, "remove", map[string]any{"unit": unit}, nil)
}

// Shutdown implements face.Manager.
func (c *Client) Shutdown(ctx context.Context, verb string, exitCode uint8) error {
	return c.call(ctx, "shutdown", map[string]any{"verb": verb, "exitCode": exitCode}, nil)
}

// Subscribe implements face.Manager. The channel is closed when ctx ends or the
// connection does.
func (c *Client) Subscribe(ctx context.Context) (<-chan face.Event, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", c.path)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	fail := func(err error) (<-chan face.Event, error) {
		stop()
		conn.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	request := `{"jsonrpc":"2.0","id":1,"method":"subscribe"}` + "\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return fail(err)
	}
	d := json.NewDecoder(conn)
	var first message
	if err := d.Decode(&first); err != nil {
		return fail(err)
	}
	if first.Error != nil {
		return fail(errorOf(first.Error))
	}
	events := make(chan face.Event)
	go func() {
		defer close(events)
		defer conn.Close()
		defer stop()
		for {
			var m struct{ Params face.Event }
			if d.Decode(&m) != nil {
				return
			}
			select {
			case events <- m.Params:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}
