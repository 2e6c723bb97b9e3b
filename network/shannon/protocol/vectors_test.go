package protocol

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
)

// hexed is bytes that a vector has in hexadecimal.
type hexed []byte

func (h *hexed) UnmarshalJSON(text []byte) error {
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil {
		return err
	}
	read, err := hex.DecodeString(digits)
	*h = read
	return err
}

// vectors are testdata/reference.json.
type vectors struct {
	Keys []struct {
		Private, Public hexed
		Address         string
	}
	Relays []struct {
		App, Service, Session, Supplier      string
		Start, End                           int64
		Payload, Signature, Marshalled, Hash hexed
		Ring                                 []hexed
	}
	Responses []struct {
		Name             string
		Marshalled, Hash hexed
		Valid            bool
	}
	Session struct {
		App, Service, Session string
		Start, End            int64
	}
	Supplier int
	HTTP     []struct {
		Method, URL, Body string
		Header            http.Header
		Status            uint32
		Marshalled        hexed
	}
	Arithmetic []struct {
		Params                                                hexed
		Height, Start, End, Number, Grace, ClaimOpen, Pending int64
	}
	Rings []struct {
		Application hexed
		End         int64
		Addresses   []string
	}
	GetSession, Account, AccountNil hexed
	Params                          map[string]hexed
}

func reference(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReferenceKeys(t *testing.T) {
	for _, vector := range reference(t).Keys {
		key, err := NewPrivateKey(vector.Private)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(key.PublicKey(), vector.Public) || key.Address() != vector.Address || !bytes.Equal(key.Bytes(), vector.Private) {
			t.Errorf("%x is %x, %s", vector.Private, key.PublicKey(), key.Address())
		}
		if err := CheckAddress(vector.Address); err != nil {
			t.Error(err)
		}
	}
}

func TestReferenceRequests(t *testing.T) {
	for i, vector := range reference(t).Relays {
		request := &RelayRequest{Meta: &RelayRequestMetadata{SessionHeader: &SessionHeader{ApplicationAddress: vector.App, ServiceId: vector.Service,
			SessionId: vector.Session, SessionStartBlockHeight: vector.Start, SessionEndBlockHeight: vector.End},
			SupplierOperatorAddress: vector.Supplier, Signature: vector.Signature}, Payload: vector.Payload}
		marshalled, err := marshal(request)
		if err != nil || !bytes.Equal(marshalled, vector.Marshalled) {
			t.Errorf("%d: marshalled to %x, %v", i, marshalled, err)
		}
		hash, err := request.SignedHash()
		if err != nil || !bytes.Equal(hash[:], vector.Hash) {
			t.Errorf("%d: hash %x, %v", i, hash, err)
		}
		keys, err := VerifyRing(hash, vector.Signature)
		if err != nil || !slices.EqualFunc(keys, vector.Ring, func(a []byte, b hexed) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%d: ring of %x, %v", i, keys, err)
		}
		hash[0] ^= 1
		if _, err := VerifyRing(hash, vector.Signature); err == nil {
			t.Errorf("%d: the signature is of another hash too", i)
		}
	}
}

// The reference accepted these; that they are still accepted here says that nothing has changed since.
func TestSealedRequests(t *testing.T) {
	file, err := os.Open("testdata/sealed.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	count := 0
	for ; lines.Scan(); count++ {
		var vector struct {
			Body, Hash hexed
			Ring       []hexed
		}
		if err := json.Unmarshal(lines.Bytes(), &vector); err != nil {
			t.Fatal(err)
		}
		var request RelayRequest
		if err := proto.Unmarshal(vector.Body, &request); err != nil {
			t.Fatal(err)
		}
		again, _ := marshal(&request)
		hash, _ := request.SignedHash()
		keys, err := VerifyRing(hash, request.GetMeta().GetSignature())
		if !bytes.Equal(again, vector.Body) || !bytes.Equal(hash[:], vector.Hash) || err != nil || len(keys) != len(vector.Ring) {
			t.Errorf("request %d: %v", count, err)
		}
	}
	if count != 8 || lines.Err() != nil {
		t.Errorf("%d requests, %v", count, lines.Err())
	}
}

func TestReferenceResponses(t *testing.T) {
	v := reference(t)
	session := &SessionHeader{ApplicationAddress: v.Session.App, ServiceId: v.Session.Service, SessionId: v.Session.Session,
		SessionStartBlockHeight: v.Session.Start, SessionEndBlockHeight: v.Session.End}
	valid := 0
	for _, vector := range v.Responses {
		var response RelayResponse
		if err := proto.Unmarshal(vector.Marshalled, &response); err != nil {
			t.Fatal(err)
		}
		again, _ := marshal(&response)
		hash, _ := response.SignedHash()
		if !bytes.Equal(again, vector.Marshalled) || !bytes.Equal(hash[:], vector.Hash) {
			t.Errorf("%s: marshalled to %x, hash %x", vector.Name, again, hash)
		}
		if err := VerifyResponse(&response, session, v.Keys[v.Supplier].Public); (err == nil) != vector.Valid {
			t.Errorf("%s: %v; the reference says %t", vector.Name, err, vector.Valid)
		}
		if vector.Valid {
			valid++
		}
	}
	if valid < 3 || valid == len(v.Responses) {
		t.Errorf("%d of %d are valid", valid, len(v.Responses))
	}
}

func TestReferenceHTTP(t *testing.T) {
	for _, vector := range reference(t).HTTP {
		var message proto.Message = &POKTHTTPRequest{Method: vector.Method, Url: vector.URL, Header: headerEntries(vector.Header), Body: []byte(vector.Body)}
		if vector.Status != 0 {
			message = &POKTHTTPResponse{StatusCode: vector.Status, Header: headerEntries(vector.Header), Body: []byte(vector.Body)}
			inner, failure := openHTTP(vector.Marshalled)
			if failure != nil || inner.Status != int(vector.Status) || string(inner.Body) != vector.Body || len(inner.Header) != 0 {
				t.Errorf("read %+v, %v", inner, failure)
			}
		}
		marshalled, err := marshal(message)
		if err != nil || !bytes.Equal(marshalled, vector.Marshalled) {
			t.Errorf("%s %d: marshalled to\n%x, want\n%x; %v", vector.Method, vector.Status, marshalled, vector.Marshalled, err)
		}
	}
}

func TestReferenceArithmetic(t *testing.T) {
	for i, vector := range reference(t).Arithmetic {
		var params SharedParams
		if err := proto.Unmarshal(vector.Params, &params); err != nil {
			t.Fatal(err)
		}
		grid, err := GridOf(&params)
		if err != nil {
			t.Fatal(err)
		}
		end := grid.End(vector.Height)
		got := []int64{grid.Start(vector.Height), end, grid.Number(vector.Height), grid.GraceEnd(end), grid.ClaimOpen(end), grid.PendingSessions()}
		want := []int64{vector.Start, vector.End, vector.Number, vector.Grace, vector.ClaimOpen, vector.Pending}
		if !slices.Equal(got, want) {
			t.Errorf("%d: height %d of %v: %d, want %d", i, vector.Height, &params, got, want)
		}
	}
}

func TestReferenceRings(t *testing.T) {
	for i, vector := range reference(t).Rings {
		var application Application
		if err := proto.Unmarshal(vector.Application, &application); err != nil {
			t.Fatal(err)
		}
		want := append([]string{application.GetAddress()}, vector.Addresses...)
		if len(want) == 1 {
			want = append(want, want[0])
		}
		if got := RingAddresses(&application, vector.End); !slices.Equal(got, want) {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}

func TestReferenceQueries(t *testing.T) {
	v := reference(t)
	read := func(from hexed, to proto.Message) {
		t.Helper()
		if err := proto.Unmarshal(from, to); err != nil {
			t.Fatal(err)
		}
	}
	var got QueryGetSessionResponse
	read(v.GetSession, &got)
	session := got.GetSession()
	supplier := session.GetSuppliers()[1]
	if session.GetHeader().GetSessionEndBlockHeight() != 40 || session.GetNumBlocksPerSession() != 20 || session.GetSessionNumber() != 2 ||
		session.GetApplication().GetStake().GetAmount() != "1000000000" || session.GetApplication().GetPerSessionSpendLimit().GetDenom() != "upokt" ||
		len(session.GetSuppliers()) != 3 || supplier.GetOperatorAddress() != v.Keys[8].Address || supplier.GetOwnerAddress() != v.Keys[6].Address ||
		supplier.GetServices()[0].GetEndpoints()[0].GetUrl() != "https://s8.example:443" ||
		supplier.GetServices()[0].GetEndpoints()[0].GetRpcType() != RPCType_RPC_TYPE_JSON_RPC {
		t.Errorf("session %v", session)
	}
	var found QueryAccountResponse
	var account BaseAccount
	var key Secp256K1PubKey
	read(v.Account, &found)
	read(found.GetAccount().GetValue(), &account)
	read(account.GetPubKey().GetValue(), &key)
	if account.GetAddress() != v.Keys[9].Address || !bytes.Equal(key.GetKey(), v.Keys[9].Public) || account.GetPubKey().GetTypeUrl() != "/cosmos.crypto.secp256k1.PubKey" ||
		found.GetAccount().GetTypeUrl() != "/cosmos.auth.v1beta1.BaseAccount" {
		t.Errorf("account %v", &account)
	}
	account.Reset()
	read(v.AccountNil, &found)
	read(found.GetAccount().GetValue(), &account)
	if account.GetPubKey() != nil || account.GetAddress() != v.Keys[9].Address {
		t.Errorf("account %v", &account)
	}
	var shared QuerySharedParamsResponse
	var sessions QuerySessionParamsResponse
	var applications QueryApplicationParamsResponse
	var tokenomics QueryTokenomicsParamsResponse
	var service QueryGetServiceResponse
	read(v.Params["shared"], &shared)
	read(v.Params["session"], &sessions)
	read(v.Params["application"], &applications)
	read(v.Params["tokenomics"], &tokenomics)
	read(v.Params["service"], &service)
	if shared.GetParams().GetNumBlocksPerSession() != 10 || sessions.GetParams().GetNumSuppliersPerSession() != 15 || applications.GetParams().GetMinStake().GetAmount() != "1000000" ||
		tokenomics.GetParams().GetGlobalInflationPerClaim() != 0.1 || service.GetService().GetComputeUnitsPerRelay() != 420 {
		t.Errorf("%v %v %v %v %v", &shared, &sessions, &applications, &tokenomics, &service)
	}
	query, err := proto.Marshal(&QueryGetSessionRequest{ApplicationAddress: v.Keys[0].Address, ServiceId: "eth", BlockHeight: 33})
	if err != nil || !bytes.Equal(query, v.Params["query"]) {
		t.Errorf("query %x, %v", query, err)
	}
}
