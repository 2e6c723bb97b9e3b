package groups

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/secret"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Bounds of a group of suppliers.
const (
	// maximumSigner bounds a label or address of a key, in bytes.
	maximumSigner = 64
	// maximumChainID is CometBFT's.
	maximumChainID = 50
	// maximumUpokt is above what there is.
	maximumUpokt = 1_000_000_000_000_000_000
)

// unfit are the keys of a group of targets that a group of suppliers does not have, with the reason.
var unfit = map[string]string{
	"targets": "is for endpoints, but the group has shannon, whose chain names the suppliers; remove one of the two",
	"control": "is for groups of targets; suppliers have no control: remove it",
	"session": "is for groups of targets; sessions of suppliers are the chain's: remove it",
	"rate":    "is for groups of targets; a supplier is asked once in each check: remove it",
}

// hasKey reports whether a mapping has a key.
func hasKey(n *yaml.Node, name string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if isKey(n.Content[i]) && n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// suppliers reads a group that has shannon.
func (r *reader) suppliers(n *yaml.Node, key string, taken claims) Group {
	g := DefaultShannonGroup()
	read, ok := r.object(n, key, r.ofSuppliers(&g, taken)...)
	if !ok {
		return g
	}
	r.needs(read, "name", nameForm)
	r.checkTimeout(read, &g)
	r.checkCatalogue(read, &g)
	if g.Chain == ChainAuto && read.fine("chain", "catalogue", "questions") {
		r.add(read.at("chain"), below(key, "chain"), "is missing; suppliers are not asked of which chain they are: "+strings.Join(kinds(), ", "))
	}
	return g
}

// ofSuppliers is the keys of a group of suppliers: those of a group, of which some are refused.
func (r *reader) ofSuppliers(g *Group, taken claims) []field {
	fields := r.ofGroup(g, taken)
	for i, each := range fields {
		if why, is := unfit[each.name]; is {
			fields[i].read = func(n *yaml.Node, key string) { r.add(n, key, why) }
		}
		if each.name == "chain" {
			fields[i].read = func(n *yaml.Node, key string) { g.Chain = r.word(n, key, kinds()...) }
		}
	}
	return fields
}

// shannon reads an application.
func (r *reader) shannon(n *yaml.Node, key string) *Shannon {
	s := new(Shannon)
	read, ok := r.object(n, key, r.ofShannon(s)...)
	if !ok {
		return s
	}
	r.needs(read, "rpc", "a list of at least one URL of a full node's RPC")
	r.needs(read, "application", applicationForm)
	r.needs(read, "service", serviceForm)
	r.needs(read, "signer", signerForm)
	if !read.has("max_upokt_per_session") && !read.has("max_upokt_per_day") {
		r.add(n, below(key, "max_upokt_per_session"), "is missing, as is max_upokt_per_day; relays cost money: at least one of the two is needed, in uPOKT")
	}
	return s
}

// ofShannon is the keys of an application.
func (r *reader) ofShannon(s *Shannon) []field {
	upokt := func(to *uint64) func(n *yaml.Node, key string) {
		return func(n *yaml.Node, key string) { *to = uint64(r.whole(n, key, 1, maximumUpokt)) }
	}
	return []field{
		{"rpc", func(n *yaml.Node, key string) {
			r.list(n, key, MaximumRPC, func(n *yaml.Node, key string) { s.RPC = append(s.RPC, r.rpc(n, key, s.RPC)) })
		}},
		{"application", func(n *yaml.Node, key string) { s.Application = r.application(n, key) }},
		{"service", func(n *yaml.Node, key string) { s.Service = r.service(n, key) }},
		{"signer", func(n *yaml.Node, key string) { s.Signer = r.signer(n, key) }},
		{"keys", func(n *yaml.Node, key string) { s.Keys = secret.Within(r.dir, r.path(n, key)) }},
		{"max_upokt_per_session", upokt(&s.MaxUpoktPerSession)},
		{"max_upokt_per_day", upokt(&s.MaxUpoktPerDay)},
		{"chain_id", func(n *yaml.Node, key string) { s.ChainID = r.chainID(n, key) }},
		{"allow_private", func(n *yaml.Node, key string) { s.AllowPrivate = r.truth(n, key) }},
	}
}

// rpc reads the URL of a full node's RPC.
func (r *reader) rpc(n *yaml.Node, key string, before []Secret) Secret {
	raw, ok := r.secret(n, key)
	if !ok {
		return Secret{}
	}
	if rest, is := strings.CutPrefix(raw, "tcp://"); is { // as CometBFT writes it
		raw = "http://" + rest
	}
	parsed, problem := secret.ParseURL(raw)
	if problem != "" {
		r.add(n, key, problem+"; allowed: "+secret.URLForm+", or tcp://HOST:PORT")
		return Secret{}
	}
	url := NewSecret(parsed.String())
	if slices.ContainsFunc(before, url.Equal) {
		r.add(n, key, "is given twice; remove one of them")
	}
	return url
}

const applicationForm = "the address of a staked application, pokt1…"

// application reads an address of the live Pocket network.
func (r *reader) application(n *yaml.Node, key string) string {
	value, ok := r.text(n, key, applicationForm)
	if !ok {
		return ""
	}
	if err := account.CheckAddress(value); err != nil {
		r.add(n, key, "is "+err.Error()+"; allowed: "+applicationForm)
		return ""
	}
	return value
}

const serviceForm = "the id of a service, 1 to 42 letters, digits, _ and -, as in eth"

// serviceID is what the network takes as one.
var serviceID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,42}$`)

func (r *reader) service(n *yaml.Node, key string) string {
	value, ok := r.text(n, key, serviceForm)
	if ok && !serviceID.MatchString(value) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+serviceForm)
	}
	return value
}

const signerForm = "the label or the address of a secp256k1 key of the keystore ('pocket keys list')"

var privateKey = regexp.MustCompile(`^(0x)?[0-9A-Fa-f]{64}$`)

// signer reads which key signs. What has the form of a private key is not shown.
func (r *reader) signer(n *yaml.Node, key string) string {
	value, ok := r.text(n, key, signerForm)
	switch {
	case !ok:
		return ""
	case privateKey.MatchString(strings.TrimSpace(value)):
		r.add(n, key, "looks like a private key, which does not belong here; store it with 'pocket keys import --secp256k1', and name its label or address")
		return ""
	case value == "" || len(value) > maximumSigner || strings.TrimSpace(value) != value || text.Printable(value) != value:
		r.add(n, key, fmt.Sprintf("is not a label of 1 to %d printable bytes; allowed: %s", maximumSigner, signerForm))
	}
	return value
}

// chainID reads the id of a chain.
func (r *reader) chainID(n *yaml.Node, key string) string {
	want := fmt.Sprintf("the id of a chain, 1 to %d printable ASCII characters without spaces, as in pocket", maximumChainID)
	value, ok := r.text(n, key, want)
	if ok && (!isName(value) || len(value) > maximumChainID) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+want)
	}
	return value
}

// checkSuppliers checks what groups of suppliers must not share.
func (r *reader) checkSuppliers(read object, all []Group) {
	if !read.has("groups") || !read.fine("groups") {
		return
	}
	accounts, count := make(map[[2]string]int), 0
	for i, n := range read.at("groups").Content {
		s := all[i].Shannon
		if s == nil {
			continue
		}
		key := fmt.Sprintf("groups[%d]", i)
		if count++; count == MaximumShannon+1 {
			r.add(n, key, fmt.Sprintf("is one more group of suppliers; allowed: at most %d groups with shannon", MaximumShannon))
		}
		account := [2]string{s.Application, s.Service}
		if line, is := accounts[account]; is {
			r.add(n, below(key, "shannon"), fmt.Sprintf("has the application and service of the group of line %d, whose budget it would share; remove one of the two", line))
			continue
		}
		accounts[account] = n.Line
	}
}
