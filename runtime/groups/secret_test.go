package groups

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// holder keeps a configuration where fmt calls no methods.
type holder struct {
	config Config
	target *Target
	secret Secret
}

// Whatever prints, logs or encodes a configuration, or a part of it, shows no secret.
func TestNothingShowsASecret(t *testing.T) {
	config := parse(t, `groups:
- name: a
  control: https://user:${S}@c.example/${S}?${S}
  targets:
  - name: a
    url: https://user:${S}@a.example/${S}?${S}
    headers: {Cookie: "a=${S}", X-Key: "${S}"}
- name: b
  chain: evm
  shannon: {rpc: ['https://user:${S}@a.example/${S}?${S}'], application: `+anApplication+`, service: eth, signer: a, max_upokt_per_day: 1}
`)
	target := config.Groups[0].Targets[0]
	if !strings.Contains(target.URL.Reveal(), planted) || !strings.Contains(target.Headers["X-Key"].Reveal(), planted) {
		t.Fatal("no secret is planted")
	}
	held := holder{config, &target, target.URL}
	var out bytes.Buffer
	for name, value := range map[string]any{
		"config": config, "pointer": &config, "target": target, "headers": target.Headers, "secret": target.URL, "suppliers": config.Groups[1].Shannon, "secret pointer": &target.URL,
		"holder": held, "holder pointer": &held, "list": []any{target, target.URL}, "none": Secret{}, "error": fmt.Errorf("x: %v %s", target, target.URL),
	} {
		out.Reset()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%-30.2v", "%08b"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		fmt.Fprintln(&out, value)
		slog.New(slog.NewTextHandler(&out, nil)).Error("x", "value", value, slog.Any("group", []any{value}))
		slog.New(slog.NewJSONHandler(&out, nil)).With("value", value).Error("x", "value", value)
		if encoded, err := json.Marshal(value); err == nil {
			out.Write(encoded)
		}
		if encoded, err := yaml.Marshal(value); err == nil {
			out.Write(encoded)
		}
		if encoded, err := xml.Marshal(value); err == nil {
			out.Write(encoded)
		}
		for _, hidden := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted), strings.Trim(fmt.Sprint([]byte(planted)), "[]")} {
			if strings.Contains(out.String(), hidden) {
				t.Errorf("%s shows %q: %s", name, hidden, out.String())
			}
		}
	}
}

func TestSecretsShowThatTheyAre(t *testing.T) {
	secret := NewSecret(planted)
	encoded, err := json.Marshal(map[string]any{"a": secret, "b": map[string]Secret{"c": secret}})
	if err != nil || string(encoded) != `{"a":"[secret]","b":{"c":"[secret]"}}` {
		t.Errorf("JSON %s, %v", encoded, err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s %q %x", secret, secret, secret, secret, secret, secret); got != strings.Repeat(" [secret]", 6)[1:] {
		t.Error(got)
	}
	if text, err := yaml.Marshal(secret); err != nil || !strings.Contains(string(text), "[secret]") {
		t.Errorf("YAML %s, %v", text, err)
	}
	if !secret.Equal(NewSecret(planted)) || secret.Equal(Secret{}) || !(Secret{}).Equal(NewSecret("")) || secret.Reveal() != planted {
		t.Error("Equal or Reveal")
	}
}
