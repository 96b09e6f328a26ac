package analyze

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"rouse/internal/client/analyze/exposure"
)

// A detail is a finding as JSON has it. Here is how far the settings are carried out by
// the manager; systemd-analyze has no such field.
type detail struct {
	Set         *bool   `json:"set"`
	Name        string  `json:"name"`
	Field       string  `json:"json_field"`
	Description string  `json:"description"`
	Exposure    *string `json:"exposure"`
	Here        *string `json:"here,omitempty"`
}

func details(j *exposure.Judgement, here map[string]string) []detail {
	rows := []detail{}
	for _, f := range j.Findings {
		d := detail{Name: f.Name, Field: f.Field, Description: f.What}
		if f.Counts {
			d.Set = &f.Good
		}
		if text := f.Exposure(); text != "" {
			d.Exposure = &text
		}
		if level := levelOf(f, here); level != "" {
			d.Here = &level
		}
		rows = append(rows, d)
	}
	return rows
}

func (r *review) writeJSON(v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if r.json == "pretty" {
		e.SetIndent("", "\t")
	}
	err := e.Encode(v)
	r.Print("%s", text.String())
	return err
}

// table prints what was found in one service. The last column is there if the manager
// tells what it carries out.
func (r *review) table(unitName string, j *exposure.Judgement, here map[string]string) {
	names, texts := len("NAME"), len("DESCRIPTION")
	for _, f := range j.Findings {
		names, texts = max(names, utf8.RuneCountInString(f.Name)), max(texts, len(f.What))
	}
	line := func(mark, name, what, exposure, level string) {
		text := mark + " " + pad(name, names) + " " + pad(what, texts)
		if here == nil {
			r.Print("%s %8s\n", text, exposure)
			return
		}
		r.Print("%s %8s %s\n", text, exposure, pad(level, len("not applied")))
	}
	line(" ", "NAME", "DESCRIPTION", "EXPOSURE", "APPLIED HERE")
	for _, f := range j.Findings {
		mark := "✗"
		switch {
		case !f.Counts:
			mark = " "
		case f.Good:
			mark = "✓"
		}
		line(mark, f.Name, f.What, f.Exposure(), levelOf(f, here))
	}
	word, face := j.Word()
	r.Print("\n→ Overall exposure level for %s: %s %s %s\n", unitName, j.Exposure(), word, face)
}

// list prints a line for each service.
func (r *review) list() error {
	type row struct {
		Unit      string `json:"unit"`
		Exposure  string `json:"exposure"`
		Predicate string `json:"predicate"`
		Happy     string `json:"happy"`
	}
	rows, width := []row{}, len("UNIT")
	for _, o := range r.overview {
		word, face := o.Word()
		rows = append(rows, row{o.unit, o.Exposure(), word, face})
		width = max(width, len(o.unit))
	}
	if r.json != "off" {
		return r.writeJSON(rows)
	}
	r.Print("%s EXPOSURE PREDICATE HAPPY\n", pad("UNIT", width))
	for _, x := range rows {
		r.Print("%s %8s %-9s %s\n", pad(x.Unit, width), x.Exposure, x.Predicate, x.Happy)
	}
	return nil
}

// pad fills text up with blanks to a width in characters.
func pad(text string, width int) string {
	for n := utf8.RuneCountInString(text); n < width; n++ {
		text += " "
	}
	return text
}
