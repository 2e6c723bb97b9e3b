package browser

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
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
	page, net := openTab(t), startNetwork(t, time.Second)
	page.size(1240, 650)
	page.open(net.RPCURL())
	page.await("a session is over, and six checks of the next one are made", checksMade+` >= 6 && document.querySelectorAll('[data-key=past] tbody tr').length >= 1`)
	for _, scheme := range []string{"light", "dark"} {
		page.scheme(scheme)
		write(t, filepath.Join(directory, "dashboard-"+scheme+".png"), page.picture(false))
	}
	if os.Getenv("POCKET_SCREENSHOTS_ALL") == "" {
		return
	}
	servicer := eval[string](page, `[...document.querySelectorAll('table.servicers .who a')][0].hash`)
	session := strings.Split(servicer, "/")[2]
	pages := map[string]string{"now": "#/", "servicer": servicer, "window": "#/window/10", "evidence": "#/evidence/" + session + "/" + disputed(page, session)}
	for name, hash := range pages {
		page.open(net.RPCURL() + "/" + hash)
		page.await("there are rows", `document.querySelector('tbody tr, .side')`)
		for _, scheme := range []string{"light", "dark"} {
			page.scheme(scheme)
			for size, width := range map[string]int64{"phone": 360, "tablet": 820, "laptop": 1280, "wide": 1920} {
				page.size(width, 900)
				write(t, filepath.Join(directory, name+"-"+scheme+"-"+size+".png"), page.picture(true))
			}
		}
	}
}

// write writes a picture in its 256 most frequent colours, which makes no visible difference for text on a plain
// background.
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

// frequent returns the most frequent colours of a picture.
func frequent(picture image.Image, most int) color.Palette {
	counts := make(map[color.Color]int)
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			counts[picture.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	return colours[:min(most, len(colours))]
}
