package browser

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// checksMade counts the checks that the first strip shows as made.
const checksMade = `document.querySelectorAll('table.servicers tbody tr:first-child .cell:not(.todo)').length`

// TestScreenshots takes the pictures of the README in the directory that POCKET_SCREENSHOTS names; without it the test
// is skipped. `make screenshots` runs it.
func TestScreenshots(t *testing.T) {
	directory := os.Getenv("POCKET_SCREENSHOTS")
	if directory == "" {
		t.Skip("POCKET_SCREENSHOTS names no directory for the pictures")
	}
	page := openTab(t)
	net := startNetwork(t, time.Second)
	dashboard(t, page, filepath.Join(directory, "dashboard"), net.RPCURL())
	net.stop()
	net = startNetwork(t, time.Second, withEthereum)
	endpoints := openEndpoints(t, net.EthereumURL())[:5]
	overTime(t, page, directory, endpoints)
	comparison := compared(t, endpoints)
	dashboard(t, page, filepath.Join(directory, "endpoints"), startFisherman(t,
		"  - name: ethereum\n    interval: 1s\n    session: 20s\n    sla: 200ms\n    rate: 10\n    control: own-node\n", endpoints))
	page.size(1020, 100)
	page.open("data:text/html;base64," + base64.StdEncoding.EncodeToString([]byte(comparison)))
	for _, scheme := range []string{"light", "dark"} {
		page.scheme(scheme)
		write(t, filepath.Join(directory, "compare-"+scheme+".png"), page.picture(true))
	}
}

// overTime takes pictures of 30 days: of all targets, and of one.
func overTime(t *testing.T, page *tab, directory string, endpoints []*endpoint) {
	t.Helper()
	node := startWithAMonth(t, "    interval: 1s\n    session: 20s\n    sla: 200ms\n    rate: 10\n    control: own-node\n", endpoints)
	page.size(1240, 420)
	page.open(node + "/#/history?range=30d")
	page.await("the strips are drawn", `document.querySelectorAll('table.strips[data-step="86400"] td[data-value]').length > 100`)
	page.await("each target has a verdict", `![...document.querySelectorAll("table.strips tbody tr")].some((row) => row.textContent.includes("unknown") || row.textContent.includes("not asked"))`)
	shoot := func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			page.scheme(scheme)
			write(t, filepath.Join(directory, name+"-"+scheme+".png"), page.picture(false))
		}
	}
	shoot("history")
	page.size(1240, 720)
	page.open(node + "/#/servicer/provider-c?range=30d")
	page.await("the charts are drawn", `document.querySelectorAll('[data-step="21600"] [data-chart] .spot').length > 100`)
	shoot("target")
	page.open("about:blank")
}

// dashboard takes pictures of a running session, in files that begin with a path.
func dashboard(t *testing.T, page *tab, path, url string) {
	t.Helper()
	page.size(1240, 1060)
	page.open(url)
	page.await("a session is over, and six checks of the next one are made", checksMade+` >= 6 && document.querySelectorAll('[data-key=past] tbody tr').length >= 1`)
	for _, scheme := range []string{"light", "dark"} {
		page.scheme(scheme)
		write(t, path+"-"+scheme+".png", page.picture(false))
	}
	if os.Getenv("POCKET_SCREENSHOTS_ALL") != "" {
		everyPicture(t, page, path, url)
	}
	page.open("about:blank")
}

// everyPicture takes pictures of every page, in files that begin with a path.
func everyPicture(t *testing.T, page *tab, path, url string) {
	t.Helper()
	servicer := eval[string](page, `[...document.querySelectorAll('table.servicers .who a')][0].hash`)
	session := strings.Split(servicer, "/")[2]
	pages := map[string]string{"now": "#/", "servicer": servicer, "window": "#/window/10", "evidence": "#/evidence/" + session + "/" + disputed(page, session)}
	for name, hash := range pages {
		page.open(url + "/" + hash)
		page.await("there are rows", `document.querySelector('tbody tr, .side')`)
		for _, scheme := range []string{"light", "dark"} {
			page.scheme(scheme)
			for size, width := range map[string]int64{"phone": 360, "tablet": 820, "laptop": 1280, "wide": 1920} {
				page.size(width, 900)
				write(t, path+"-"+name+"-"+scheme+"-"+size+".png", page.picture(true))
			}
		}
	}
}

// triesOfComparison is how often the endpoints are compared until a busy machine has made all checks in their time.
const triesOfComparison = 6

// compared runs 'pocket compare' on a terminal, which script (util-linux) is, and returns the terminal as a page.
func compared(t *testing.T, endpoints []*endpoint) string {
	t.Helper()
	const command = "bin/pocket compare own-node=$OWN provider-a=$A provider-b=$B provider-c=$C provider-d=$D --allow-private"
	directory, environment := t.TempDir(), append(os.Environ(), "TERM=xterm-256color")
	if err := os.Mkdir(filepath.Join(directory, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(buildPocket(t), filepath.Join(directory, "bin", "pocket")); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"OWN", "A", "B", "C", "D"} {
		environment = append(environment, name+"="+endpoints[i].url)
	}
	var output []byte
	for range triesOfComparison {
		terminal := exec.Command("script", "-qec", "stty cols 112; "+command+" 2>/dev/null", "/dev/null")
		terminal.Dir, terminal.Env = directory, environment
		var err error
		if output, err = terminal.Output(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, output)
		}
		if bytes.Contains(output, []byte(" 20 done,")) && !bytes.Contains(output, []byte("THROTTLED")) {
			break
		}
	}
	return `<!doctype html><meta charset="utf-8"><style>
		:root { color-scheme: light dark } body { margin: 0; padding: 16px 20px; background: light-dark(#fbfcfc, #12181b); color: light-dark(#1d2527, #d7dfe0) }
		pre { margin: 0; font: 13.5px/1.5 "DejaVu Sans Mono", monospace } .bold { font-weight: bold }
		.green { color: light-dark(#1a7f37, #57c774) } .yellow { color: light-dark(#8a5a00, #e0b04a) }
		.red { color: light-dark(#b42318, #ff8a80) } .magenta { color: light-dark(#8b2fa8, #d7a1ee) } .prompt { opacity: .6 }
		</style><pre><span class="prompt">$ </span>` + html.EscapeString(command) + "\n" + coloured(string(output)) + "</pre>"
}

// styled matches text in a colour of the terminal.
var styled = regexp.MustCompile("\x1b\\[([0-9;]+)m([^\x1b]*)\x1b\\[0?m")

// coloured makes the colours of a terminal HTML.
func coloured(output string) string {
	classes := map[string]string{"1": "bold", "31": "red", "32": "green", "33": "yellow", "35": "magenta"}
	return styled.ReplaceAllStringFunc(html.EscapeString(strings.ReplaceAll(output, "\r", "")), func(match string) string {
		parts := styled.FindStringSubmatch(match)
		var names []string
		for code := range strings.SplitSeq(parts[1], ";") {
			names = append(names, classes[code])
		}
		return `<span class="` + strings.Join(names, " ") + `">` + parts[2] + "</span>"
	})
}

// write writes a picture in at most 256 colours, which makes no visible difference for text on a plain background.
func write(t *testing.T, path string, taken []byte) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewPaletted(picture.Bounds(), frequent(picture, 256))
	draw.Draw(small, small.Bounds(), picture, picture.Bounds().Min, draw.Src)
	var encoded bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&encoded, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, encoded.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// frequent returns the most frequent colours of a picture that differ from one another.
func frequent(picture image.Image, most int) (chosen color.Palette) {
	counts := make(map[color.RGBA]int)
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	for _, colour := range colours {
		if len(chosen) < most && (len(chosen) == 0 || distance(colour, chosen[chosen.Index(colour)].(color.RGBA)) > 12) {
			chosen = append(chosen, colour)
		}
	}
	return chosen
}

// distance is the sum of what two colours differ by.
func distance(a, b color.RGBA) (sum int) {
	for _, channel := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
		sum += max(int(channel[0])-int(channel[1]), int(channel[1])-int(channel[0]))
	}
	return sum
}
