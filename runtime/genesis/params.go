package genesis

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostUPOKT is the largest amount that a parameter may name, in uPOKT.
const mostUPOKT = 1_000_000_000_000_000_000

// mostFee is the largest minimum fee, in uPOKT: 100 POKT. An owner that sets it by mistake has to be able to pay for the
// change back.
const mostFee = 100_000_000

// leastValidatorStake is the smallest minimum stake of a validator, in uPOKT: that of one unit of voting power.
const leastValidatorStake = 1_000_000

// DefaultParams returns the parameters of a new network. They are valid. They have no owner, so nobody can change them.
func DefaultParams() *Params {
	const minimumStake = 15_000_000_000 // 15 000 POKT
	const unbondingBlocks = 30_240      // three weeks of one block a minute
	return &Params{
		Session: &SessionParams{
			BlocksPerSession:    10,
			ServicersPerSession: 24,
			FishermenPerSession: 1,
		},
		Stake: &StakeParams{
			ApplicationMinimumUpokt: minimumStake,
			ServicerMinimumUpokt:    minimumStake,
			FishermanMinimumUpokt:   minimumStake,
			ValidatorMinimumUpokt:   minimumStake,
			MaximumChains:           15,

			ApplicationUnbondingBlocks: unbondingBlocks,
			ServicerUnbondingBlocks:    unbondingBlocks,
			FishermanUnbondingBlocks:   unbondingBlocks,
			ValidatorUnbondingBlocks:   unbondingBlocks,
			MinimumPauseBlocks:         10,
		},
		Qos: &QoSParams{
			ChecksPerSession:   10,
			Distribution:       CheckDistribution_CHECK_DISTRIBUTION_STRATIFIED_JITTER,
			Timeout:            durationpb.New(3 * time.Second),
			LatencySla:         durationpb.New(150 * time.Millisecond),
			ServicerOffset:     durationpb.New(0),
			MaxSkew:            durationpb.New(50 * time.Millisecond),
			NullSamplesAllowed: 2,
			ConsistencyQuorum:  2,
			SessionsRetained:   100,
			SamplesRequired:    3,
		},
		Fee:        &FeeParams{MinimumUpokt: 10_000},
		Governance: &GovernanceParams{},
		Relay: &RelayParams{
			RelaysPerPokt:        40, // with the minimum stake and 24 servicers, 25 000 relays of each
			ReservePerCheck:      2,  // a fisherman that is started again repeats its running checks
			VolumeDifficultyBits: 2,
		},
	}
}

// Validate checks every parameter against its range. The error, if any, is one line and wraps a FieldError for each
// parameter that is out of range, up to ten.
func (p *Params) Validate() error {
	var v violations
	p.check(&v)
	return v.err()
}

func (p *Params) check(v *violations) {
	if p == nil {
		v.add("params", "missing", "an object")
		return
	}
	p.Session.check(v)
	p.Stake.check(v)
	p.Qos.check(v, p.GetSession().GetServicersPerSession())
	p.Fee.check(v)
	p.Governance.check(v)
	p.Relay.check(v)
}

func (s *SessionParams) check(v *violations) {
	const path = "params.session"
	if s == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkNumber(v, path+".blocks_per_session", s.BlocksPerSession, 1, 100_000)
	checkNumber(v, path+".servicers_per_session", s.ServicersPerSession, 1, 1024)
	checkNumber(v, path+".fishermen_per_session", s.FishermenPerSession, 1, 64)
}

func (s *StakeParams) check(v *violations) {
	const path = "params.stake"
	const longest = 10_000_000
	if s == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkNumber(v, path+".application_minimum_upokt", s.ApplicationMinimumUpokt, 1, mostUPOKT)
	checkNumber(v, path+".servicer_minimum_upokt", s.ServicerMinimumUpokt, 1, mostUPOKT)
	checkNumber(v, path+".fisherman_minimum_upokt", s.FishermanMinimumUpokt, 1, mostUPOKT)
	checkNumber(v, path+".validator_minimum_upokt", s.ValidatorMinimumUpokt, leastValidatorStake, mostUPOKT)
	checkNumber(v, path+".maximum_chains", s.MaximumChains, 1, 100)
	checkNumber(v, path+".application_unbonding_blocks", s.ApplicationUnbondingBlocks, 1, longest)
	checkNumber(v, path+".servicer_unbonding_blocks", s.ServicerUnbondingBlocks, 1, longest)
	checkNumber(v, path+".fisherman_unbonding_blocks", s.FishermanUnbondingBlocks, 1, longest)
	checkNumber(v, path+".validator_unbonding_blocks", s.ValidatorUnbondingBlocks, 1, longest)
	checkNumber(v, path+".minimum_pause_blocks", s.MinimumPauseBlocks, 0, longest)
}

func (f *FeeParams) check(v *violations) {
	const path = "params.fee"
	if f == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkNumber(v, path+".minimum_upokt", f.MinimumUpokt, 0, mostFee)
}

func (g *GovernanceParams) check(v *violations) {
	const path = "params.governance"
	const mostAdmitted = 256
	if g == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkOwner(v, path+".session_owner", g.SessionOwner)
	checkOwner(v, path+".stake_owner", g.StakeOwner)
	checkOwner(v, path+".qos_owner", g.QosOwner)
	checkOwner(v, path+".fee_owner", g.FeeOwner)
	checkOwner(v, path+".relay_owner", g.RelayOwner)
	checkOwner(v, path+".governance_owner", g.GovernanceOwner)
	list := path + ".fisherman_access_list"
	if len(g.FishermanAccessList) > mostAdmitted {
		v.add(list, fmt.Sprintf("a list of %d", len(g.FishermanAccessList)), fmt.Sprintf("at most %d addresses", mostAdmitted))
	}
	for i, address := range g.FishermanAccessList {
		switch {
		case types.ValidateAddress(address) != nil:
			v.add(fmt.Sprintf("%s[%d]", list, i), quoted(address), "40 lower-case hex digits")
		case i > 0 && address <= g.FishermanAccessList[i-1]:
			v.add(fmt.Sprintf("%s[%d]", list, i), quoted(address), "sorted addresses without repeats")
		}
	}
}

func checkOwner(v *violations, field, owner string) {
	if owner != "" && types.ValidateAddress(owner) != nil {
		v.add(field, quoted(owner), "40 lower-case hex digits, or empty for nobody")
	}
}

func (q *QoSParams) check(v *violations, servicersPerSession uint32) {
	const path = "params.qos"
	if q == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkNumber(v, path+".checks_per_session", q.ChecksPerSession, 1, 10_000)
	q.checkDistribution(v, path+".distribution")
	const longest = 60 * time.Second
	slowest := longest
	if checkDuration(v, path+".timeout", q.Timeout, 10*time.Millisecond, longest) {
		slowest = q.Timeout.AsDuration()
	}
	checkDuration(v, path+".latency_sla", q.LatencySla, time.Millisecond, slowest)
	checkDuration(v, path+".servicer_offset", q.ServicerOffset, 0, 10*time.Second)
	checkDuration(v, path+".max_skew", q.MaxSkew, 100*time.Microsecond, 10*time.Second)
	checkNumber(v, path+".null_samples_allowed", q.NullSamplesAllowed, 0, 10_000)
	q.checkQuorum(v, path+".consistency_quorum", servicersPerSession)
	checkNumber(v, path+".sessions_retained", q.SessionsRetained, 1, 10_000)
	checkNumber(v, path+".samples_required", q.SamplesRequired, 1, 10_000)
	checkNumber(v, path+".disagreements_allowed", q.DisagreementsAllowed, 0, 10_000)
	checkNumber(v, path+".max_lag", q.MaxLag, 0, 1_000_000)
	checkNumber(v, path+".lagging_allowed", q.LaggingAllowed, 0, 10_000)
	checkNumber(v, path+".checks_per_cold_check", q.ColdShare(), 0, 10_000)
}

// defaultColdShare is that of networks without the parameter, whose state is older than it.
const defaultColdShare = 5

// ColdShare returns how many consecutive checks have one among them that goes over new connections; 0 for none.
func (q *QoSParams) ColdShare() uint32 {
	if q.ChecksPerColdCheck == nil {
		return defaultColdShare
	}
	return q.GetChecksPerColdCheck()
}

func (q *QoSParams) checkDistribution(v *violations, field string) {
	switch q.Distribution {
	case CheckDistribution_CHECK_DISTRIBUTION_EVEN,
		CheckDistribution_CHECK_DISTRIBUTION_STRATIFIED_JITTER,
		CheckDistribution_CHECK_DISTRIBUTION_UNIFORM_RANDOM:
	default:
		v.add(field, q.Distribution.String(), "CHECK_DISTRIBUTION_EVEN, CHECK_DISTRIBUTION_STRATIFIED_JITTER or "+
			"CHECK_DISTRIBUTION_UNIFORM_RANDOM")
	}
}

// checkQuorum refuses a quorum that is out of range or that no session can reach.
func (q *QoSParams) checkQuorum(v *violations, field string, servicersPerSession uint32) {
	const least, most = 2, 1024
	inRange := checkNumber(v, field, q.ConsistencyQuorum, least, most)
	if inRange && servicersPerSession > 0 && q.ConsistencyQuorum > servicersPerSession {
		v.add(field, fmt.Sprint(q.ConsistencyQuorum),
			fmt.Sprintf("%d to params.session.servicers_per_session, which is %d", least, servicersPerSession))
	}
}

func (r *RelayParams) check(v *violations) {
	const path = "params.relay"
	if r == nil {
		v.add(path, "missing", "an object")
		return
	}
	checkNumber(v, path+".relays_per_pokt", r.RelaysPerPokt, 1, 1_000_000)
	checkNumber(v, path+".reserve_per_check", r.ReservePerCheck, 1, 100)
	checkNumber(v, path+".volume_difficulty_bits", r.VolumeDifficultyBits, 0, 255)
}

// checkNumber reports whether the value is in range, and adds a violation if not.
func checkNumber[T int64 | uint32 | uint64](v *violations, field string, value, low, high T) bool {
	if value < low || value > high {
		v.add(field, fmt.Sprint(value), fmt.Sprintf("%d to %d", low, high))
		return false
	}
	return true
}

// checkDuration reports whether the duration is present and in range, and adds a violation if not.
func checkDuration(v *violations, field string, value *durationpb.Duration, low, high time.Duration) bool {
	allowed := seconds(low) + " to " + seconds(high)
	switch {
	case value == nil:
		v.add(field, "missing", allowed)
	case !value.IsValid():
		v.add(field, "not a duration", allowed)
	case value.AsDuration() < low || value.AsDuration() > high:
		v.add(field, seconds(value.AsDuration()), allowed)
	default:
		return true
	}
	return false
}

// seconds returns a duration in the form of a genesis file ("0.15s"), so that it can be copied there.
func seconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	exact := fmt.Sprintf("%s%d.%09d", sign, d/time.Second, d%time.Second)
	return strings.TrimSuffix(strings.TrimRight(exact, "0"), ".") + "s"
}
