package question

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Sentinels of Inquiry.Read and Search.Take.
var (
	// ErrNotNode is returned when what answered is not a node of the kind that was asked for.
	ErrNotNode = errors.New("not a node of this kind")
	// ErrUnable is returned when a node, or what stands before it, refuses or cannot answer now.
	ErrUnable = errors.New("the node did not answer the question who it is")
	// ErrThrottled is returned when a node is asked too often.
	ErrThrottled = errors.New("the node is asked too often")
)

const (
	// mostIdentity bounds a chain's identity and the name of a node's software, in bytes.
	mostIdentity = 64
	// mostQuoted bounds a stranger's text in an error, in bytes.
	mostQuoted = 80
)

// Identity is what a node says of itself. All of it is printable.
type Identity struct {
	Kind ChainKind
	// Chain is the identity of the relay chain as people write it: "1", "cosmoshub-4", or the hash of Solana's genesis; ""
	// if the kind has none. Two nodes of one kind are of one chain if and only if they have the same.
	Chain string
	// Client is the node's software and its version; "" when it does not say.
	Client string
	// Head is the newest height; 0 when it does not say.
	Head int64
	// CatchingUp says that the node has told so.
	CatchingUp bool
}

// Reply is what a target answered: the status of HTTP, and the body.
type Reply struct {
	Status uint32
	Body   []byte
}

// Inquiry is what a target of a kind is asked about itself, and how its answers are read.
type Inquiry struct {
	Kind ChainKind
	// Payloads are asked in this order, at most three. The answer to the first decides whether the target is of the kind.
	Payloads []types.Payload

	readers []reader
}

// reader takes from an answer what it says of the node.
type reader func(Reply, *Identity) error

// asking is one question of an inquiry.
type asking struct {
	call Call
	read reader
}

// Inquiries returns what targets of a kind are asked: nothing for ChainUnknown and ChainCustom.
func Inquiries(kind ChainKind) Inquiry {
	switch kind {
	case ChainEVM:
		return inquiry(kind,
			asking{Positional("eth_chainId"), resultOf(kind, evmChain)},
			asking{Positional("web3_clientVersion"), resultOf(kind, evmClient)},
			asking{Positional("eth_blockNumber"), headOf(resultOf(kind, nothing), readBlockNumber)})
	case ChainCometBFT:
		return inquiry(kind, asking{Named("status"), resultOf(kind, cometbftStatus)})
	case ChainCosmos:
		latest := Cosmos().Head
		return inquiry(kind,
			asking{Get("/cosmos/base/tendermint/v1beta1/node_info"), bodyOf(cosmosNode)},
			asking{latest.Call, headOf(bodyOf(nothing), latest.Read)})
	case ChainSolana:
		return inquiry(kind,
			asking{Positional("getGenesisHash"), resultOf(kind, solanaGenesis)},
			asking{Positional("getVersion"), resultOf(kind, solanaVersion)},
			asking{solanaSlot(), headOf(resultOf(kind, nothing), readSlot)})
	case ChainUnknown, ChainCustom:
	}
	return Inquiry{Kind: kind}
}

// HeadInquiry returns what targets of a custom catalogue are asked, whose nodes are asked for their newest height only; nil
// for a catalogue that has no question for it.
func HeadInquiry(head *Head) Inquiry {
	if head == nil {
		return Inquiry{Kind: ChainCustom}
	}
	check := bodyOf(nothing)
	if head.Call.method != "" {
		check = resultOf(ChainCustom, nothing)
	}
	return inquiry(ChainCustom, asking{head.Call, func(reply Reply, who *Identity) error {
		err := headOf(check, head.Read)(reply, who)
		if err != nil && !errors.Is(err, ErrThrottled) && !errors.Is(err, ErrUnable) {
			return notNode("the answer has no height")
		}
		return err
	}})
}

func inquiry(kind ChainKind, questions ...asking) Inquiry {
	made := Inquiry{Kind: kind}
	for _, question := range questions {
		made.Payloads = append(made.Payloads, Client{id: "1"}.write(question.call))
		made.readers = append(made.readers, question.read)
	}
	return made
}

// Read reads the answers to the first payloads, or to all. What a node does not say stays empty. Errors: ErrNotNode and
// ErrUnable of the first answer; ErrThrottled, beside what is known from the answers before.
func (q Inquiry) Read(answers []Reply) (Identity, error) {
	who := Identity{Kind: q.Kind}
	for i, answer := range answers[:min(len(answers), len(q.readers))] {
		switch err := q.readers[i](answer, &who); {
		case err != nil && i == 0:
			return Identity{}, err
		case errors.Is(err, ErrThrottled):
			return who, err
		}
	}
	return who, nil
}

// resultOf reads the result of a JSON-RPC answer.
func resultOf(kind ChainKind, read func(result []byte, who *Identity) error) reader {
	return func(reply Reply, who *Identity) error {
		if reply.Status == tooManyRequests {
			return throttled(reply)
		}
		var answer struct {
			JSONRPC, ID, Result, Error json.RawMessage
		}
		if err := json.Unmarshal(reply.Body, &answer); err != nil || isNull(answer.JSONRPC) && isNull(answer.ID) {
			return strange(reply, "JSON-RPC")
		}
		var said struct{ Code json.Number }
		isError := !isNull(answer.Error) && json.Unmarshal(answer.Error, &said) == nil
		code, _ := said.Code.Int64()
		switch {
		case !isError && !isNull(answer.Result) && reply.Status/100 == 2:
			return read(answer.Result, who)
		case !isError:
			return strange(reply, "JSON-RPC")
		case kind.Throttles(code):
			return fmt.Errorf("%w: error %d", ErrThrottled, code)
		case code == methodNotFound && !refusing(reply.Status):
			return errOtherRPC
		}
		return fmt.Errorf("%w: error %d, HTTP status %d", ErrUnable, code, reply.Status)
	}
}

// bodyOf reads a REST answer.
func bodyOf(read func(body []byte, who *Identity) error) reader {
	return func(reply Reply, who *Identity) error {
		switch {
		case reply.Status == tooManyRequests:
			return throttled(reply)
		case reply.Status != statusOK || !json.Valid(reply.Body):
			return strange(reply, "JSON")
		}
		return read(reply.Body, who)
	}
}

// headOf reads the newest height of an answer that passes the check.
func headOf(check reader, read func(answer []byte) (int64, error)) reader {
	return func(reply Reply, who *Identity) error {
		if err := check(reply, who); err != nil {
			return err
		}
		height, err := read(reply.Body)
		who.Head = height
		return err
	}
}

func nothing([]byte, *Identity) error { return nil }

// HTTP statuses and a JSON-RPC code that decide.
const (
	statusOK       = 200
	methodNotFound = -32601
)

// errOtherRPC is of a node that speaks JSON-RPC, but does not know the method.
var errOtherRPC = fmt.Errorf("%w: it answers JSON-RPC, but does not know the method", ErrNotNode)

func notNode(why string) error { return fmt.Errorf("%w: %s", ErrNotNode, why) }

func throttled(reply Reply) error {
	return fmt.Errorf("%w: HTTP status %d", ErrThrottled, reply.Status)
}

// refusing reports whether an HTTP status is of a server, or of a gateway before it, that refuses or cannot answer now.
// A gateway that does not know the path or the method says 501.
func refusing(status uint32) bool {
	switch status {
	case 401, 402, 403, 407, 408:
		return true
	}
	return status >= 500 && status != 501
}

// strange is the error of an answer in another form than the wanted one. The answer is not quoted: a page can repeat the
// address that was asked for, and with it a key.
func strange(reply Reply, wanted string) error {
	body := bytes.TrimSpace(reply.Body)
	switch {
	case refusing(reply.Status):
		return fmt.Errorf("%w: HTTP status %d", ErrUnable, reply.Status)
	case bytes.HasPrefix(body, []byte("<")):
		return notNode(fmt.Sprintf("HTTP status %d, the answer is a page of HTML or XML, not %s", reply.Status, wanted))
	}
	return notNode(fmt.Sprintf("HTTP status %d, the answer is not %s", reply.Status, wanted))
}

func isNull(member json.RawMessage) bool { return len(member) == 0 || string(member) == "null" }

// evmChain reads a chain id, which EIP-2294 bounds to 64 bits.
func evmChain(result []byte, who *Identity) error {
	var id string
	if json.Unmarshal(result, &id) != nil {
		return notNode("the chain id is not text")
	}
	digits, prefixed := strings.CutPrefix(id, "0x")
	number, err := strconv.ParseUint(digits, 16, 64)
	if !prefixed || err != nil {
		return notNode("the chain id is not a hexadecimal number of at most 64 bits")
	}
	who.Chain = strconv.FormatUint(number, 10)
	return nil
}

func evmClient(result []byte, who *Identity) error {
	var client string
	if json.Unmarshal(result, &client) != nil {
		return notNode("the client's version is not text")
	}
	who.Client = shown(client)
	return nil
}

// cometbftStatus reads the answer to status.
func cometbftStatus(result []byte, who *Identity) error {
	var status struct {
		NodeInfo struct{ Network, Version string } `json:"node_info"`
		SyncInfo struct {
			Height     string `json:"latest_block_height"`
			CatchingUp bool   `json:"catching_up"`
		} `json:"sync_info"`
	}
	if err := json.Unmarshal(result, &status); err != nil || !isName(status.NodeInfo.Network) {
		return notNode("the status names no network")
	}
	height, err := heightOf(status.SyncInfo.Height)
	if err != nil {
		return notNode("the status names no height")
	}
	who.Chain, who.Client = status.NodeInfo.Network, shown(status.NodeInfo.Version)
	who.Head, who.CatchingUp = height, status.SyncInfo.CatchingUp
	return nil
}

// cosmosNode reads what a node of the Cosmos SDK says of itself.
func cosmosNode(body []byte, who *Identity) error {
	var info struct {
		Node        struct{ Network string } `json:"default_node_info"`
		Application struct {
			Name    string `json:"name"`
			App     string `json:"app_name"`
			Version string `json:"version"`
		} `json:"application_version"`
	}
	if err := json.Unmarshal(body, &info); err != nil || !isName(info.Node.Network) {
		return notNode("what the node says of itself names no network")
	}
	who.Chain = info.Node.Network
	who.Client = shown(strings.TrimSpace(cmp.Or(info.Application.App, info.Application.Name) + " " + info.Application.Version))
	return nil
}

func solanaGenesis(result []byte, who *Identity) error {
	var hash string
	if json.Unmarshal(result, &hash) != nil || len(hash) < 32 || len(hash) > 44 || strings.Trim(hash, base58) != "" {
		return notNode("the hash of the genesis is none")
	}
	who.Chain = hash
	return nil
}

// base58 has the digits of Solana's hashes. One of 32 bytes has 32 to 44 of them.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func solanaVersion(result []byte, who *Identity) error {
	var version struct {
		Core string `json:"solana-core"`
	}
	if json.Unmarshal(result, &version) != nil || version.Core == "" {
		return notNode("the version of solana-core is missing")
	}
	who.Client = shown("solana-core " + version.Core)
	return nil
}

// shown is a stranger's text as people see it.
func shown(stranger string) string { return text.Line(strings.TrimSpace(stranger), mostIdentity) }

// isName reports whether a text can be the identity of a chain: it is shown as it is and compared byte by byte.
func isName(name string) bool {
	return name != "" && len(name) <= mostIdentity && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
