package analyze

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The drawing: a row of rowHeight pixels for each unit, pixelsPerSecond wide.
const (
	rowHeight       = 20
	pixelsPerSecond = 100.0
	margin          = 80
	letterWidth     = 7
)

// plotColors are the colours of the bars, by their class, and what the legend says.
var plotColors = []struct{ class, fill, text string }{
	{"activating", "#c33", "Activating"},
	{"active", "#dbb", "Active"},
	{"deactivating", "#966", "Deactivating"},
	{"phase", "#999", "A phase of the boot"},
	{"security", "#9e9", "Setting up security module"},
	{"generators", "#6cf", "Generators"},
	{"load", "#5bf", "Loading unit files"},
}

// drawing is one SVG file.
type drawing struct {
	w    io.Writer
	from float64 // the time at the left margin, in seconds
	row  int
}

func (d *drawing) x(us uint64) float64 {
	return margin + (float64(us)/1e6-d.from)*pixelsPerSecond
}

func (d *drawing) bar(class string, from, to uint64) {
	if to <= from {
		return
	}
	fmt.Fprintf(d.w, "<rect class=\"%s\" x=\"%.3f\" y=\"%d\" width=\"%.3f\" height=\"%d\"/>\n",
		class, d.x(from), d.row*rowHeight, (float64(to-from)/1e6)*pixelsPerSecond, rowHeight-1)
}

func (d *drawing) text(x float64, left bool, text string) {
	anchor := "start"
	if left {
		anchor = "end"
	}
	fmt.Fprintf(d.w, "<text x=\"%.3f\" y=\"%d\" text-anchor=\"%s\">", x, d.row*rowHeight+14, anchor)
	xml.EscapeText(d.w, []byte(text))
	fmt.Fprintln(d.w, "</text>")
}

func plot(a *session) (int, error) {
	b, err := a.times()
	if err != nil {
		return 1, err
	}
	units, err := a.units(b)
	if err != nil {
		return 1, err
	}
	units = slices.DeleteFunc(units, func(u unitTimes) bool {
		return u.activating < b.userspace || u.activating > b.finish
	})
	slices.SortStableFunc(units, func(x, y unitTimes) int {
		return cmp.Or(cmp.Compare(x.activating, y.activating), strings.Compare(x.name, y.name))
	})
	end := b.finish
	for _, u := range units {
		end = max(end, min(u.activated, 2*b.finish))
	}
	drawPlot(a, b, units, end)
	return 0, nil
}

func drawPlot(a *session, b *boot, units []unitTimes, end uint64) {
	longest := 0
	for _, u := range units {
		longest = max(longest, len(u.name)+12)
	}
	width := 2*margin + float64(end)/1e6*pixelsPerSecond + float64(longest*letterWidth)
	rows := len(units) + len(plotColors) + 8
	w := &strings.Builder{}
	fmt.Fprintf(w, "<?xml version=\"1.0\" standalone=\"no\"?>\n"+
		"<svg width=\"%.0fpx\" height=\"%dpx\" version=\"1.1\" xmlns=\"http://www.w3.org/2000/svg\">\n",
		max(width, 800), rows*rowHeight+margin)
	fmt.Fprint(w, "<style>\ntext { font: 12px sans-serif }\nline { stroke: #bbb }\n")
	for _, c := range plotColors {
		fmt.Fprintf(w, "rect.%s { fill: %s }\n", c.class, c.fill)
	}
	fmt.Fprint(w, "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n")
	d := &drawing{w: w, row: 1}
	d.text(20, false, fmt.Sprintf("rouse %s, %s", a.Version, a.Now().In(a.Local).Format(time.RFC1123)))
	d.row++
	d.text(20, false, strings.TrimSpace(b.summary()))
	d.row += 2
	top := d.row
	for s := 0; float64(s) <= float64(end)/1e6; s++ {
		x := d.x(uint64(s) * 1e6)
		fmt.Fprintf(w, "<line x1=\"%.0f\" y1=\"%d\" x2=\"%.0f\" y2=\"%d\"/>\n",
			x, top*rowHeight, x, (top+len(units)+4)*rowHeight)
		d.row = top - 1
		d.text(x, false, fmt.Sprintf("%ds", s))
	}
	d.row = top
	phase := func(name string, from, to uint64) {
		if to > from {
			d.bar("phase", from, to)
			d.text(d.x(from)+5, false, name)
			d.row++
		}
	}
	if b.start == 0 {
		phase("kernel", 0, cmp.Or(b.initrd, b.userspace))
		if b.initrd > 0 {
			phase("initrd", b.initrd, b.userspace)
		}
	}
	d.bar("phase", b.userspace, b.finish)
	d.bar("security", b.securityStart, b.securityEnd)
	d.bar("generators", b.generatorsStart, b.generatorsEnd)
	d.bar("load", b.loadStart, b.loadEnd)
	d.text(d.x(b.userspace)+5, false, "userspace")
	d.row++
	for _, u := range units {
		d.unit(u, end)
	}
	d.row++
	for _, c := range plotColors {
		fmt.Fprintf(w, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"30\" height=\"%d\"/>\n",
			c.class, margin, d.row*rowHeight, rowHeight-1)
		d.text(margin+45, false, c.text)
		d.row++
	}
	fmt.Fprint(w, "</svg>\n")
	io.WriteString(a.Stdout, w.String())
}

// unit draws the row of one unit.
func (d *drawing) unit(u unitTimes, end uint64) {
	until := func(t uint64) uint64 {
		if t == 0 {
			return end
		}
		return min(t, end)
	}
	if u.activated >= u.activating && u.activated > 0 {
		d.bar("activating", u.activating, until(u.activated))
		leave := end
		if u.leaving > u.activated {
			leave = until(u.leaving)
		}
		d.bar("active", u.activated, leave)
		if u.leaving > u.activated {
			d.bar("deactivating", u.leaving, until(u.inactive))
		}
	} else {
		d.bar("activating", u.activating, until(max(u.inactive, u.activating)))
	}
	label := u.name
	if u.took/1000 > 0 {
		label += " (" + span(u.took) + ")"
	}
	x := d.x(u.activating)
	if u.activating > end/2 {
		d.text(x-5, true, label)
	} else {
		d.text(x+5, false, label)
	}
	d.row++
}
