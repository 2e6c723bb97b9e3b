package browser

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait; a wait that takes longer has failed.
const patience = 30 * time.Second

// tab is one page of the browser.
type tab struct {
	*testing.T
	ctx context.Context
	*console
}

// console collects the errors in the browser's console.
type console struct {
	mu     sync.Mutex
	errors []string
}

// chromium returns the path of the browser; without one the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("POCKET_CHROMIUM"), "chromium", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(cmp.Or(name, "-")); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: install it, or name it with POCKET_CHROMIUM, to test the dashboard")
	return ""
}

// openTab starts a browser that ends with the test.
func openTab(t *testing.T) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses to run as root
	}
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	opened := &tab{T: t, ctx: ctx, console: &console{}}
	messages := chromedp.Console(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			opened.hear(message)
		}
	})
	t.Cleanup(func() { end(); endAllocator(); reading.Wait() })
	return opened
}

// with returns the same page for a subtest.
func (b *tab) with(t *testing.T) *tab { return &tab{T: t, ctx: b.ctx, console: b.console} }

func (c *console) hear(message chromedp.ConsoleMessage) {
	switch message.Type {
	case chromedp.ConsoleError, chromedp.ConsoleException, chromedp.ConsoleWarning:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errors = append(c.errors, message.String()+" "+message.URL)
	}
}

func (c *console) said() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errors
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open goes to a page.
func (b *tab) open(url string) {
	b.Helper()
	b.do(chromedp.Navigate(url))
}

// eval returns the value of an expression in the page; if it is a promise, the promise's value.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression[:min(len(expression), 200)], err)
	}
	return value
}

// press presses keys.
func (b *tab) press(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// await waits until an expression holds in the page.
func (b *tab) await(what, expression string) {
	b.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+expression+")",
		chromedp.WithPollingInterval(25*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	if err != nil {
		b.Fatalf("wait until %s: %v; the page says:\n%s\nand its console:\n%v", what, err, eval[string](b, "document.body.innerText"), b.said())
	}
}

// size returns the size of the page, in CSS pixels.
func (b *tab) size(width, height int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// scheme is "light" or "dark".
func (b *tab) scheme(name string) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	}))
}

// front makes the page believe that its window has the focus.
func (b *tab) front() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
}

// picture returns a PNG of what the tab shows, or of the whole page.
func (b *tab) picture(whole bool) []byte {
	b.Helper()
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(b.ctx, take)
	if err != nil {
		b.Fatal(err)
	}
	return png
}
