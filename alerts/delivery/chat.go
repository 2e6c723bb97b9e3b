package delivery

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

// chat is a receiver that people read.
type chat struct {
	poster
	kind Kind
	// payload makes what is posted.
	payload func(machine.Message) (any, error)
	// taken reports whether an answer of status 200 means that the message was taken.
	taken func(answer []byte) bool
}

// Kind implements Receiver.
func (c *chat) Kind() Kind { return c.kind }

// Send implements Receiver.
func (c *chat) Send(ctx context.Context, message machine.Message) error {
	payload, err := c.payload(message)
	if err != nil {
		return &Error{Permanent: true}
	}
	answer, err := c.post(ctx, payload)
	if err == nil && c.taken != nil && !c.taken(answer) {
		return &Error{Cause: CauseRefused, Permanent: true}
	}
	return err
}

// slackAPI is where messages of a bot's token are posted.
const slackAPI = "https://slack.com/api/chat.postMessage"

func newSlack(parsed *url.URL, options Options) (Receiver, error) {
	var config slack.Config
	if err := guard(slackForm, func() error { return config.SetURL(parsed) }); err != nil {
		return nil, err
	}
	made := &chat{kind: KindSlack}
	if config.Token.IsAPIToken() {
		made.poster = newPoster(slackAPI, options)
		made.headers = map[string]string{"Authorization": config.Token.Authorization()}
		made.taken = func(answer []byte) bool {
			var said slack.APIResponse
			return json.Unmarshal(answer, &said) == nil && said.Ok
		}
	} else {
		made.poster = newPoster(config.Token.WebhookURL(), options)
	}
	made.payload = func(message machine.Message) (any, error) {
		of := config
		of.Title = slackText.Replace(message.Title)
		return slack.CreateJSONPayload(&of, slackText.Replace(body(message))), nil
	}
	return made, nil
}

// slackText keeps text from being taken for a mention or a link.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func newDiscord(parsed *url.URL, options Options) (Receiver, error) {
	var config discord.Config
	if err := guard(discordForm, func() error { return config.SetURL(parsed) }); err != nil {
		return nil, err
	}
	if config.JSON || strings.ContainsAny(config.WebhookID+config.Token, "/?#% ") {
		return nil, &URLError{"does not have the form of one", discordForm}
	}
	made := &chat{kind: KindDiscord, poster: newPoster(discord.CreateAPIURLFromConfig(&config), options)}
	made.payload = func(message machine.Message) (any, error) {
		level := types.Error
		if message.Status == machine.StatusResolved || message.Status == machine.StatusTest {
			level = types.Info
		}
		described := discordText.Replace(message.Text)
		if message.Link != "" {
			described += "\n" + message.Link
		}
		items := []types.MessageItem{{Text: described, Timestamp: message.At, Level: level}}
		payload, err := discord.CreatePayloadFromItems(items, discordText.Replace(message.Title), config.LevelColors())
		payload.Username, payload.AvatarURL = config.Username, config.Avatar
		return payload, err
	}
	return made, nil
}

// discordText keeps text from being taken for a mark-up.
var discordText = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "|", `\|`, ">", `\>`, "[", `\[`, "@", `\@`, "#", `\#`, "<", `\<`)

// telegramAPI is where messages are posted, around the bot's token.
const telegramAPI, telegramSend = "https://api.telegram.org/bot", "/sendMessage"

func newTelegram(parsed *url.URL, options Options) (Receiver, error) {
	config := telegram.Config{Preview: true, Notification: true}
	if err := guard(telegramForm, func() error { return config.SetURL(parsed) }); err != nil {
		return nil, err
	}
	if len(config.Chats) != 1 || config.ParseMode != telegram.ParseModes.None {
		return nil, &URLError{"does not name one chat, or has a parse mode", telegramForm + "; give each chat a receiver of its own"}
	}
	made := &chat{kind: KindTelegram, poster: newPoster(telegramAPI+config.Token+telegramSend, options)}
	room, thread, threaded := strings.Cut(config.Chats[0], ":")
	made.payload = func(message machine.Message) (any, error) {
		payload := telegram.SendMessagePayload{Text: message.Title + "\n" + body(message), ID: room,
			DisablePreview: !config.Preview, DisableNotification: !config.Notification}
		if threaded {
			payload.MessageThreadID = number(thread)
		}
		return payload, nil
	}
	return made, nil
}

// body is the text of a message with its link.
func body(message machine.Message) string {
	if message.Link == "" {
		return message.Text
	}
	return message.Text + "\n" + message.Link
}

// number returns the number that text is; nil if it is none.
func number(text string) *int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
}
