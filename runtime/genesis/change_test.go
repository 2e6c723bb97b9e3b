package genesis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func number(name string, value uint64) *types.ChangeParameter {
	return &types.ChangeParameter{Parameter: name, Value: &types.ChangeParameter_Number{Number: value}}
}

func text(name, value string) *types.ChangeParameter {
	return &types.ChangeParameter{Parameter: name, Value: &types.ChangeParameter_Text{Text: value}}
}

func duration(name string, value time.Duration) *types.ChangeParameter {
	return &types.ChangeParameter{Parameter: name, Value: &types.ChangeParameter_Duration{Duration: durationpb.New(value)}}
}

func list(name string, items ...string) *types.ChangeParameter {
	return &types.ChangeParameter{Parameter: name, Value: &types.ChangeParameter_List{List: &types.TextList{Items: items}}}
}

func TestWith(t *testing.T) {
	address := key(1).Address()
	tests := map[string]struct {
		change *types.ChangeParameter
		want   func(p *Params)
	}{
		"uint32":   {number("qos.checks_per_session", 30), func(p *Params) { p.Qos.ChecksPerSession = 30 }},
		"uint64":   {number("stake.servicer_minimum_upokt", 7), func(p *Params) { p.Stake.ServicerMinimumUpokt = 7 }},
		"int64":    {number("stake.minimum_pause_blocks", 0), func(p *Params) { p.Stake.MinimumPauseBlocks = 0 }},
		"duration": {duration("qos.timeout", time.Second), func(p *Params) { p.Qos.Timeout = durationpb.New(time.Second) }},
		"enumeration": {text("qos.distribution", "CHECK_DISTRIBUTION_EVEN"),
			func(p *Params) { p.Qos.Distribution = CheckDistribution_CHECK_DISTRIBUTION_EVEN }},
		"address": {text("governance.fee_owner", address), func(p *Params) { p.Governance.FeeOwner = address }},
		"list": {list("governance.fisherman_access_list", address),
			func(p *Params) { p.Governance.FishermanAccessList = []string{address} }},
		"empty list": {list("governance.fisherman_access_list"), func(*Params) {}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, want := DefaultParams(), DefaultParams()
			test.want(want)
			got, err := before.With(test.change)
			if err != nil || !proto.Equal(got, want) {
				t.Errorf("%v, %v", got, err)
			}
			if !proto.Equal(before, DefaultParams()) {
				t.Error("the parameters themselves were changed")
			}
		})
	}
}

func TestWithRefuses(t *testing.T) {
	tests := map[string]struct {
		change  *types.ChangeParameter
		want    string
		unknown bool
	}{
		"nothing":      {nil, `no such parameter: ""`, true},
		"group":        {number("qos", 1), `no such parameter: "qos"`, true},
		"no group":     {number("tokens.most", 1), "no such parameter", true},
		"name":         {number("qos.checks", 1), "no such parameter", true},
		"deeper":       {number("qos.timeout.seconds", 1), "no such parameter", true},
		"no value":     {&types.ChangeParameter{Parameter: "qos.timeout"}, "params.qos.timeout: its value is a duration", false},
		"no duration":  {&types.ChangeParameter{Parameter: "qos.timeout", Value: &types.ChangeParameter_Duration{}}, "a duration", false},
		"number":       {number("qos.distribution", 1), "its value is a text", false},
		"text":         {text("qos.checks_per_session", "30"), "its value is a number", false},
		"text of list": {text("governance.fisherman_access_list", "x"), "its value is a list", false},
		"list":         {list("governance.fee_owner", "x"), "its value is a text", false},
		"duration":     {duration("qos.quorum", time.Second), "no such parameter", true},
		"fixed":        {number("session.blocks_per_session", 5), "is fixed", false},
		"uint32":       {number("qos.checks_per_session", 1<<32), "4294967296 is too large", false},
		"int64":        {number("stake.minimum_pause_blocks", 1<<63), "is too large", false},
		"range":        {number("qos.checks_per_session", 0), "params.qos.checks_per_session is 0; allowed: 1 to 10000", false},
		"enumeration":  {text("qos.distribution", "EVEN"), `there is no "EVEN"`, false},
		"together":     {duration("qos.timeout", 100*time.Millisecond), "params.qos.latency_sla is 0.15s", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := DefaultParams().With(test.change)
			if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, %v, want %q", got, err, test.want)
			}
			if errors.Is(err, ErrUnknownParameter) != test.unknown {
				t.Errorf("%v is ErrUnknownParameter: %v", err, !test.unknown)
			}
		})
	}
}

// Every parameter has its group's owner; groups that are added later are covered too.
func TestEveryParameterHasAnOwner(t *testing.T) {
	params := DefaultParams()
	params.Governance = &GovernanceParams{SessionOwner: "session", StakeOwner: "stake", QosOwner: "qos", FeeOwner: "fee",
		RelayOwner: "relay", GovernanceOwner: "governance"}
	groups := params.ProtoReflect().Descriptor().Fields()
	for i := range groups.Len() {
		group := groups.Get(i)
		for j := range group.Message().Fields().Len() {
			name := string(group.Name()) + "." + string(group.Message().Fields().Get(j).Name())
			if owner, err := params.Owner(name); err != nil || owner != string(group.Name()) {
				t.Errorf("%s is owned by %q, %v", name, owner, err)
			}
		}
	}
	if _, err := params.Owner("qos.none"); !errors.Is(err, ErrUnknownParameter) {
		t.Errorf("owner of no parameter: %v", err)
	}
}

func TestParseChange(t *testing.T) {
	for value, want := range map[string]*types.ChangeParameter{
		"30":                      number("qos.checks_per_session", 30),
		"1s":                      duration("qos.timeout", time.Second),
		"CHECK_DISTRIBUTION_EVEN": text("qos.distribution", "CHECK_DISTRIBUTION_EVEN"),
		"a,b":                     list("governance.fisherman_access_list", "a", "b"),
		"":                        list("governance.fisherman_access_list"),
		"c, a,b":                  list("governance.fisherman_access_list", "a", "b", "c"),
	} {
		if got, err := ParseChange(want.Parameter, value); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s %q: %v, %v", want.Parameter, value, got, err)
		}
	}
	for parameter, value := range map[string]string{"qos.none": "1", "qos.checks_per_session": "-1", "qos.timeout": "3"} {
		if got, err := ParseChange(parameter, value); err == nil || got != nil {
			t.Errorf("%s %q: %v", parameter, value, got)
		}
	}
}

// The share of cold checks can be set to each end of its range, from a state that has none, and says then what it is.
func TestChangeOfColdShare(t *testing.T) {
	for value, want := range map[string]uint32{"0": 0, "1": 1, "5": 5, "10000": 10_000} {
		change, err := ParseChange("qos.checks_per_cold_check", value)
		if err != nil {
			t.Fatal(err)
		}
		changed, err := DefaultParams().With(change)
		if err != nil || changed.GetQos().ColdShare() != want {
			t.Errorf("%s: %v, %v", value, changed, err)
		}
	}
	change, err := ParseChange("qos.checks_per_cold_check", "10001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DefaultParams().With(change); err == nil {
		t.Error("10001 is allowed")
	}
}

func TestParseChangeRefusesWhatIsTwiceInAList(t *testing.T) {
	if got, err := ParseChange("governance.fisherman_access_list", "b,a,b"); err == nil || !strings.Contains(err.Error(), `"b" is in the list twice`) {
		t.Errorf("%v, %v", got, err)
	}
}
