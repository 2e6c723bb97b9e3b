package genesis

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// key returns the key of the actor at index i of the test's genesis.
func key(i byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{i}) }

// network returns a valid genesis: actors[0] is an application, [1] a servicer, [2] a fisherman, [3] a validator.
func network() *Genesis {
	actor := func(i byte, actorType types.ActorType) *types.Actor {
		return &types.Actor{Type: actorType, Address: key(i).Address(), PublicKey: key(i).PublicKeyHex(),
			Chains: []string{"0001", "00FF"}, GeoZone: "eu-west", StakeUpokt: 15_000_000_000}
	}
	g := &Genesis{
		ChainId:     "localnet-1",
		GenesisTime: timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		Params:      DefaultParams(),
		Actors: []*types.Actor{
			actor(0, types.ActorType_ACTOR_TYPE_APPLICATION),
			actor(1, types.ActorType_ACTOR_TYPE_SERVICER),
			actor(2, types.ActorType_ACTOR_TYPE_FISHERMAN),
			actor(3, types.ActorType_ACTOR_TYPE_VALIDATOR),
		},
		Accounts: []*types.Account{
			{Address: key(0).Address(), BalanceUpokt: 1_000_000},
			{Address: key(9).Address()},
		},
	}
	g.Actors[1].ServiceUrl = "http://127.0.0.1:8081"
	g.Actors[3].Chains, g.Actors[3].GeoZone = nil, ""
	return g
}

func TestDefaultsAreValid(t *testing.T) {
	if err := DefaultParams().Validate(); err != nil {
		t.Errorf("default parameters: %v", err)
	}
	if err := network().Validate(); err != nil {
		t.Errorf("network of default parameters: %v", err)
	}
}

func TestEveryViolationIsNamed(t *testing.T) {
	const urlForm = types.ServiceURLForm
	address := func(i byte) string { return key(i).Address() }
	tests := map[string]struct {
		spoil func(g *Genesis)
		want  string
	}{
		"chain id": {func(g *Genesis) { g.ChainId = "local net\n" },
			`chain_id is "local net\n"; allowed: 1 to 50 characters of A-Z, a-z, 0-9, '.', '_' and '-'`},
		"no time": {func(g *Genesis) { g.GenesisTime = nil },
			`genesis_time is missing; allowed: an RFC 3339 time after 1970-01-01T00:00:00Z`},
		"zero time": {func(g *Genesis) { g.GenesisTime = timestamppb.New(time.Time{}) },
			`genesis_time is 0001-01-01T00:00:00Z; allowed: an RFC 3339 time after 1970-01-01T00:00:00Z`},
		"time out of bounds": {func(g *Genesis) { g.GenesisTime = &timestamppb.Timestamp{Seconds: math.MaxInt64} },
			`genesis_time is not a time; allowed: an RFC 3339 time after 1970-01-01T00:00:00Z`},

		"no params":  {func(g *Genesis) { g.Params = nil }, `params is missing; allowed: an object`},
		"no session": {func(g *Genesis) { g.Params.Session = nil }, `params.session is missing; allowed: an object`},
		"no stake":   {func(g *Genesis) { g.Params.Stake = nil }, `params.stake is missing; allowed: an object`},
		"no fee":     {func(g *Genesis) { g.Params.Fee = nil }, `params.fee is missing; allowed: an object`},
		"no governance": {func(g *Genesis) { g.Params.Governance = nil },
			`params.governance is missing; allowed: an object`},
		"owner": {func(g *Genesis) { g.Params.Governance.QosOwner = "me" },
			`params.governance.qos_owner is "me"; allowed: 40 lower-case hex digits, or empty for nobody`},
		"access list's order": {func(g *Genesis) {
			g.Params.Governance.FishermanAccessList = []string{strings.Repeat("b", 40), strings.Repeat("a", 40)}
		}, `params.governance.fisherman_access_list[1] is "` + strings.Repeat("a", 40) +
			`"; allowed: sorted addresses without repeats`},
		"long access list": {func(g *Genesis) {
			for i := range 257 {
				g.Params.Governance.FishermanAccessList = append(g.Params.Governance.FishermanAccessList, fmt.Sprintf("%040x", i))
			}
		}, `params.governance.fisherman_access_list is a list of 257; allowed: at most 256 addresses`},
		"unbonding": {func(g *Genesis) { g.Params.Stake.ServicerUnbondingBlocks = 0 },
			`params.stake.servicer_unbonding_blocks is 0; allowed: 1 to 10000000`},
		"no account": {func(g *Genesis) { g.Accounts[0] = nil }, `accounts[0] is missing; allowed: an object`},
		"account's address": {func(g *Genesis) { g.Accounts[1].Address = "x" },
			`accounts[1].address is "x"; allowed: 40 lower-case hex digits`},
		"account twice": {func(g *Genesis) { g.Accounts[1].Address = g.Accounts[0].Address },
			`accounts[1].address is "` + key(0).Address() + `"; allowed: each address once; it is accounts[0] already`},
		"account's sequence": {func(g *Genesis) { g.Accounts[1].Sequence = 3 },
			`accounts[1].sequence is 3; allowed: 0: nobody has signed yet`},
		"balances": {func(g *Genesis) { g.Accounts[1].BalanceUpokt = math.MaxUint64 },
			`accounts[1].balance_upokt is 18446744073709551615; allowed: all stakes and balances together at most ` +
				`18446744073709551615`},
		"no qos":   {func(g *Genesis) { g.Params.Qos = nil }, `params.qos is missing; allowed: an object`},
		"no relay": {func(g *Genesis) { g.Params.Relay = nil }, `params.relay is missing; allowed: an object`},
		"multiplier": {func(g *Genesis) { g.Params.Relay.RelaysPerPokt = 0 },
			`params.relay.relays_per_pokt is 0; allowed: 1 to 1000000`},
		"reserve": {func(g *Genesis) { g.Params.Relay.ReservePerCheck = 0 },
			`params.relay.reserve_per_check is 0; allowed: 1 to 100`},
		"difficulty": {func(g *Genesis) { g.Params.Relay.VolumeDifficultyBits = 256 },
			`params.relay.volume_difficulty_bits is 256; allowed: 0 to 255`},
		"blocks": {func(g *Genesis) { g.Params.Session.BlocksPerSession = -1 },
			`params.session.blocks_per_session is -1; allowed: 1 to 100000`},
		"servicers": {func(g *Genesis) { g.Params.Session.ServicersPerSession = 1025 },
			`params.session.servicers_per_session is 1025; allowed: 1 to 1024`},
		"minimum stake": {func(g *Genesis) { g.Params.Stake.ServicerMinimumUpokt = 0 },
			`params.stake.servicer_minimum_upokt is 0; allowed: 1 to 1000000000000000000`},
		"validators' minimum stake": {func(g *Genesis) { g.Params.Stake.ValidatorMinimumUpokt = 999_999 },
			`params.stake.validator_minimum_upokt is 999999; allowed: 1000000 to 1000000000000000000`},
		"fee": {func(g *Genesis) { g.Params.Fee.MinimumUpokt = 100_000_001 },
			`params.fee.minimum_upokt is 100000001; allowed: 0 to 100000000`},
		"checks": {func(g *Genesis) { g.Params.Qos.ChecksPerSession = 0 },
			`params.qos.checks_per_session is 0; allowed: 1 to 10000`},
		"distribution": {func(g *Genesis) { g.Params.Qos.Distribution = 0 },
			`params.qos.distribution is CHECK_DISTRIBUTION_UNSPECIFIED; allowed: CHECK_DISTRIBUTION_EVEN, ` +
				`CHECK_DISTRIBUTION_STRATIFIED_JITTER or CHECK_DISTRIBUTION_UNIFORM_RANDOM`},
		"no timeout": {func(g *Genesis) { g.Params.Qos.Timeout = nil },
			`params.qos.timeout is missing; allowed: 0.01s to 60s`},
		"timeout": {func(g *Genesis) { g.Params.Qos.Timeout = durationpb.New(time.Hour) },
			`params.qos.timeout is 3600s; allowed: 0.01s to 60s`},
		"sla above timeout": {func(g *Genesis) { g.Params.Qos.LatencySla = durationpb.New(3001 * time.Millisecond) },
			`params.qos.latency_sla is 3.001s; allowed: 0.001s to 3s`},
		"no duration": {func(g *Genesis) { g.Params.Qos.ServicerOffset = &durationpb.Duration{Seconds: 1, Nanos: -1} },
			`params.qos.servicer_offset is not a duration; allowed: 0s to 10s`},
		"skew": {func(g *Genesis) { g.Params.Qos.MaxSkew = durationpb.New(99 * time.Microsecond) },
			`params.qos.max_skew is 0.000099s; allowed: 0.0001s to 10s`},
		"quorum": {func(g *Genesis) { g.Params.Qos.ConsistencyQuorum = 1 },
			`params.qos.consistency_quorum is 1; allowed: 2 to 1024`},
		"quorum out of reach": {func(g *Genesis) { g.Params.Qos.ConsistencyQuorum = 25 },
			`params.qos.consistency_quorum is 25; allowed: 2 to params.session.servicers_per_session, which is 24`},

		"disagreements": {func(g *Genesis) { g.Params.Qos.DisagreementsAllowed = 10_001 },
			`params.qos.disagreements_allowed is 10001; allowed: 0 to 10000`},
		"lag":         {func(g *Genesis) { g.Params.Qos.MaxLag = 1_000_001 }, `params.qos.max_lag is 1000001; allowed: 0 to 1000000`},
		"lag below 0": {func(g *Genesis) { g.Params.Qos.MaxLag = -1 }, `params.qos.max_lag is -1; allowed: 0 to 1000000`},
		"cold checks": {func(g *Genesis) { g.Params.Qos.ChecksPerColdCheck = proto.Uint32(10_001) }, `params.qos.checks_per_cold_check is 10001; allowed: 0 to 10000`},
		"lagging":     {func(g *Genesis) { g.Params.Qos.LaggingAllowed = 10_001 }, `params.qos.lagging_allowed is 10001; allowed: 0 to 10000`},

		"no actor": {func(g *Genesis) { g.Actors[0] = nil }, `actors[0] is missing; allowed: an object`},
		"type": {func(g *Genesis) { g.Actors[0].Type = 9 }, `actors[0].type is 9; allowed: ACTOR_TYPE_APPLICATION, ` +
			`ACTOR_TYPE_SERVICER, ACTOR_TYPE_FISHERMAN or ACTOR_TYPE_VALIDATOR`},
		"public key": {func(g *Genesis) { g.Actors[1].PublicKey = strings.ToUpper(g.Actors[1].PublicKey) },
			`actors[1].public_key is "` + strings.ToUpper(key(1).PublicKeyHex()) + `"; allowed: 64 lower-case hex digits`},
		"another's address": {func(g *Genesis) { g.Actors[1].Address = address(7) },
			`actors[1].address is "` + address(7) + `"; allowed: ` + address(1) + `, the address of its public key`},
		"no identity": {func(g *Genesis) { g.Actors[1].PublicKey, g.Actors[1].Address = "", "x" },
			`actors[1].public_key is ""; allowed: 64 lower-case hex digits; ` +
				`actors[1].address is "x"; allowed: 40 lower-case hex digits`},
		"no chains": {func(g *Genesis) { g.Actors[2].Chains = nil },
			`actors[2].chains is a list of 0; allowed: 1 to 15 relay chains (params.stake.maximum_chains)`},
		"too many chains": {func(g *Genesis) {
			g.Params.Stake.MaximumChains, g.Actors[1].Chains = 2, []string{"0001", "0002", "0003"}
		},
			`actors[1].chains is a list of 3; allowed: 1 to 2 relay chains (params.stake.maximum_chains)`},
		"chain form": {func(g *Genesis) { g.Actors[0].Chains[1] = "00ff" },
			`actors[0].chains[1] is "00ff"; allowed: four upper-case hex digits, as in 0001`},
		"chain order": {func(g *Genesis) { g.Actors[0].Chains = []string{"0002", "0001"} },
			`actors[0].chains[1] is "0001"; allowed: sorted relay chains without repeats`},
		"chain twice": {func(g *Genesis) { g.Actors[0].Chains = []string{"0001", "0001"} },
			`actors[0].chains[1] is "0001"; allowed: sorted relay chains without repeats`},
		"zone": {func(g *Genesis) { g.Actors[0].GeoZone = "EU" },
			`actors[0].geo_zone is "EU"; allowed: 1 to 32 characters of a-z, 0-9 and '-'`},
		"validator's chains": {func(g *Genesis) { g.Actors[3].Chains = []string{"0001"} },
			`actors[3].chains is "0001"; allowed: none for a validator`},
		"validator's zone": {func(g *Genesis) { g.Actors[3].GeoZone = "eu" },
			`actors[3].geo_zone is "eu"; allowed: none for a validator`},
		"operator": {func(g *Genesis) { g.Actors[1].Operator = "Acme Inc." },
			`actors[1].operator is "Acme Inc."; allowed: ` + types.OperatorForm},
		"long operator": {func(g *Genesis) { g.Actors[1].Operator = strings.Repeat("o", 65) },
			`actors[1].operator is "` + strings.Repeat("o", 65) + `"; allowed: ` + types.OperatorForm},
		"fisherman's operator": {func(g *Genesis) { g.Actors[2].Operator = "acme" },
			`actors[2].operator is "acme"; allowed: none, except for a servicer`},
		"servicer without URL": {func(g *Genesis) { g.Actors[1].ServiceUrl = "" },
			`actors[1].service_url is ""; allowed: ` + urlForm},
		"fisherman's URL": {func(g *Genesis) { g.Actors[2].ServiceUrl = "ftp://host" },
			`actors[2].service_url is "ftp://host"; allowed: ` + urlForm},
		"another spelling of a URL": {func(g *Genesis) { g.Actors[1].ServiceUrl = "http://servicer.example:08545" },
			`actors[1].service_url is "http://servicer.example:08545"; allowed: ` + urlForm},
		"long URL": {func(g *Genesis) { g.Actors[1].ServiceUrl = "http://" + strings.Repeat("h", 300) },
			`actors[1].service_url is "http://` + strings.Repeat("h", 73) + `"…; allowed: ` + urlForm},
		"stake": {func(g *Genesis) { g.Actors[3].StakeUpokt = 14_999_999_999 },
			`actors[3].stake_upokt is 14999999999; allowed: 15000000000 or more (params.stake.validator_minimum_upokt)`},
		"paused": {func(g *Genesis) { g.Actors[0].PausedHeight = 4 },
			`actors[0].paused_height is 4; allowed: 0: no actor starts paused`},
		"since": {func(g *Genesis) { g.Actors[0].SinceHeights = []int64{0, 5} },
			`actors[0].since_heights is a list of 2; allowed: none: all actors of a genesis begin with it`},
		"twice": {func(g *Genesis) { g.Actors = append(g.Actors, g.Actors[1]) },
			`actors[4] is servicer "` + address(1) + `"; allowed: each type and address once; it is actors[1] already`},
		"no validator": {func(g *Genesis) { g.Actors = g.Actors[:3] },
			`actors is without a validator; allowed: at least one validator`},
		"nothing": {func(g *Genesis) { g.Actors = nil }, `actors is without a validator; allowed: at least one validator`},
		"sum": {func(g *Genesis) { g.Actors[0].StakeUpokt = math.MaxUint64 },
			`actors[1].stake_upokt is 15000000000; allowed: all stakes and balances together at most 18446744073709551615`},
		"voting power": {func(g *Genesis) { g.Actors[3].StakeUpokt = MaximumVotingPower + 1 },
			`actors[3].stake_upokt is 1152921504606846976; allowed: the stakes of all validators together at most ` +
				`1152921504606846975`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := network()
			test.spoil(g)
			err := g.Validate()
			if err == nil || err.Error() != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			var field *FieldError
			if !errors.As(err, &field) || !strings.HasPrefix(test.want, field.Error()) {
				t.Errorf("errors.As found %v", field)
			}
		})
	}
}

func TestBoundsAreAllowed(t *testing.T) {
	g := network()
	g.ChainId = strings.Repeat("a", 50)
	g.Params.Qos.LatencySla = durationpb.New(3 * time.Second)
	g.Params.Qos.ConsistencyQuorum = 24
	g.Params.Qos.NullSamplesAllowed = 0
	g.Params.Qos.DisagreementsAllowed, g.Params.Qos.MaxLag, g.Params.Qos.LaggingAllowed = 10_000, 1_000_000, 10_000
	g.Params.Qos.ChecksPerColdCheck = proto.Uint32(10_000)
	g.Actors[3].StakeUpokt = MaximumVotingPower
	g.Actors[2].ServiceUrl = "https://fisherman.example/qos"
	// One key may stake in several roles.
	second := network().Actors[3]
	second.Address, second.PublicKey = g.Actors[0].Address, g.Actors[0].PublicKey
	g.Actors[3].StakeUpokt -= second.StakeUpokt
	g.Actors = append(g.Actors, second)
	if err := g.Validate(); err != nil {
		t.Error(err)
	}
}

// Every parameter, including later ones, must have a range: its extreme value is refused under its own name.
func TestEveryParameterHasARange(t *testing.T) {
	type locator func(root protoreflect.Message) protoreflect.Message
	var walk func(path string, locate locator, d protoreflect.MessageDescriptor)
	walk = func(path string, locate locator, d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			field := d.Fields().Get(i)
			name := path + "." + string(field.Name())
			if field.Message() != nil && field.Message().FullName() != "google.protobuf.Duration" {
				walk(name, func(root protoreflect.Message) protoreflect.Message {
					return locate(root).Mutable(field).Message()
				}, field.Message())
				continue
			}
			params := DefaultParams()
			locate(params.ProtoReflect()).Set(field, extreme(t, field))
			var refused *FieldError
			wanted := name
			if field.IsList() {
				wanted += "[0]"
			}
			if err := params.Validate(); !errors.As(err, &refused) || refused.Field != wanted {
				t.Errorf("%s at its extreme: %v", name, err)
			}
		}
	}
	walk("params", func(root protoreflect.Message) protoreflect.Message { return root },
		DefaultParams().ProtoReflect().Descriptor())
}

func extreme(t *testing.T, field protoreflect.FieldDescriptor) protoreflect.Value {
	t.Helper()
	if field.IsList() {
		list := new(GovernanceParams).ProtoReflect().NewField(field).List()
		list.Append(protoreflect.ValueOfString("x"))
		return protoreflect.ValueOfList(list)
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("x")
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(math.MaxInt64)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(math.MaxUint64)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(math.MaxUint32)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(math.MaxInt32)
	case protoreflect.MessageKind:
		return protoreflect.ValueOfMessage(durationpb.New(-1).ProtoReflect())
	default:
		t.Fatalf("no extreme for %s", field.FullName())
		return protoreflect.Value{}
	}
}

func TestManyViolationsStayOneShortLine(t *testing.T) {
	g := network()
	for range 1000 {
		g.Actors = append(g.Actors, &types.Actor{})
	}
	err := g.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	if text := err.Error(); len(text) > 2000 || strings.Contains(text, "\n") || !strings.HasSuffix(text, " more") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestNilMessages(t *testing.T) {
	var field *FieldError
	if err := (*Genesis)(nil).Validate(); !errors.As(err, &field) || field.Field != "genesis" {
		t.Errorf("nil genesis: %v", err)
	}
	if err := (*Params)(nil).Validate(); !errors.As(err, &field) || field.Field != "params" {
		t.Errorf("nil params: %v", err)
	}
	if err := new(Genesis).Validate(); !errors.As(err, &field) || field.Field != "chain_id" {
		t.Errorf("empty genesis: %v", err)
	}
}
