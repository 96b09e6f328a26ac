package rpc

import (
	"context"

	"rouse/internal/face"
)

// changeParams are the parameters of change-unit-files.
var changeParams = []string{"verb", "units", "target", "presetMode", "runtime", "force"}

func changeFiles(ctx context.Context, m face.Manager, p *params) (any, error) {
	return m.ChangeFiles(ctx, face.FilesRequest{
		Verb: p.Verb, Units: p.Units, Target: p.Target, PresetMode: p.PresetMode,
		Runtime: p.Runtime, Force: p.Force,
	})
}

// ChangeFiles implements face.Manager.
func (c *Client) ChangeFiles(
	ctx context.Context, req face.FilesRequest,
) (r face.FilesReply, err error) {
	err = c.call(ctx, "change-unit-files", map[string]any{
		"verb": req.Verb, "units": orEmpty(req.Units), "target": req.Target,
		"presetMode": req.PresetMode, "runtime": req.Runtime, "force": req.Force,
	}, &r)
	return r, err
}
