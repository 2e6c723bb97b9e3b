package delivery

import (
	"context"
	"net/url"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

// webhook takes messages as JSON.
type webhook struct{ poster }

func newWebhook(parsed *url.URL, options Options) (Receiver, error) {
	if parsed.Hostname() == "" || parsed.Fragment != "" {
		return nil, &URLError{"has no host, or a fragment (#)", webhookForm}
	}
	w := webhook{newPoster(parsed.String(), options)}
	w.headers = options.Headers
	return &w, nil
}

// Kind implements Receiver.
func (w *webhook) Kind() Kind { return KindWebhook }

// Send implements Receiver.
func (w *webhook) Send(ctx context.Context, message machine.Message) error {
	_, err := w.post(ctx, message)
	return err
}
