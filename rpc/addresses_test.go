package rpc

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// fakeAddresses has an actor of each role, and accounts of all of them.
type fakeAddresses struct{}

func (fakeAddresses) Addresses(_ context.Context, height int64, role types.ActorType, prefix string, limit int) ([]string, error) {
	if height > 23 {
		return nil, modules.ErrHeightUnavailable
	}
	all := map[types.ActorType][]string{
		types.ActorType_ACTOR_TYPE_APPLICATION: {knownApplication},
		types.ActorType_ACTOR_TYPE_SERVICER:    {knownServicer},
		types.ActorType_ACTOR_TYPE_FISHERMAN:   {knownFisherman},
		types.ActorType_ACTOR_TYPE_UNSPECIFIED: {knownApplication, knownServicer, knownFisherman, otherAddress},
	}[role]
	found := slices.DeleteFunc(slices.Clone(all), func(a string) bool { return !strings.HasPrefix(a, prefix) })
	slices.Sort(found)
	return found[:min(limit, len(found))], nil
}

// fakeMembers sampled a servicer that is not staked any more.
func fakeMembers(_ context.Context, prefix string, _ int) (samples.Members, error) {
	if left := strings.Repeat("ee", 20); strings.HasPrefix(left, prefix) {
		return samples.Members{Servicers: []string{left}}, nil
	}
	return samples.Members{}, nil
}

func TestAddresses(t *testing.T) {
	readers, _, _ := readersAt(23)
	endpoints := Readers{Status: fakeStatus(knownFisherman), Members: func(_ context.Context, prefix string, _ int) (samples.Members, error) {
		found := samples.Members{Servicers: []string{"deadbeef", "deadbeef-eu"}}
		if strings.HasPrefix("eth", prefix) {
			found.Applications = []string{"eth"}
		}
		return found, nil
	}}
	for _, test := range []struct {
		name    string
		readers Readers
		query   string
		want    string
		more    bool
	}{
		{"of a servicer, which has an account", readers, "prefix=" + knownServicer[:39], knownServicer + " servicer account", false},
		{"of a role", readers, "role=servicer&prefix=" + knownServicer[:39], knownServicer + " servicer", false},
		{"sampled and not staked", readers, "prefix=eeeeeeee", strings.Repeat("ee", 20) + " servicer", false},
		{"nobody's", readers, "prefix=0123456789", "", false},
		{"no digits", readers, "prefix=xyz", "", false},
		{"names of endpoints", endpoints, "prefix=dead", "deadbeef servicer, deadbeef-eu servicer", false},
		{"cut off", endpoints, "limit=1", "deadbeef servicer", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := ask(New(Config{}, test.readers), http.MethodGet, "/v1/addresses?"+test.query)
			conforms(t, "/v1/addresses", answer)
			var view api.Addresses
			if err := json.Unmarshal(answer.Body.Bytes(), &view); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, known := range view.Addresses {
				text := known.Address
				for _, role := range known.Roles {
					text += " " + string(role)
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != test.want || view.More != test.more {
				t.Errorf("%v, more %v, want %q, %v", got, view.More, test.want, test.more)
			}
		})
	}
}

// Every key whose word is of an enum in upper case has one beside it in lower case.
func TestEnumsInUpperCaseHaveWordsInLowerCase(t *testing.T) {
	kept := map[string]string{ // their bytes are signed, or are files that earlier versions read
		"EvidenceVote.consistency": "docs/adr/0065", "EvidenceSide.consistency": "docs/adr/0065",
	}
	for name, schema := range readDocument(t).Components.Schemas {
		for key, property := range schema.Value.Properties {
			values := property.Value.Enum
			for _, part := range property.Value.AllOf {
				values = append(values, part.Value.Enum...)
			}
			upper := slices.ContainsFunc(values, func(v any) bool { text, is := v.(string); return is && text != strings.ToLower(text) })
			_, is := kept[name+"."+key]
			if _, has := schema.Value.Properties[key+"_word"]; upper && !has && !is {
				t.Errorf("%s.%s has words in upper case and no %s_word beside it", name, key, key)
			}
			if !upper && is {
				t.Errorf("%s.%s needs no exception", name, key)
			}
		}
	}
}
