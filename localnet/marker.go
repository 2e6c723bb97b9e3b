package localnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// markerFormat is the version of the marker that this program writes and reads.
const markerFormat = 2

// marker identifies a directory as a LocalNet's home, and records what later runs share with the first.
type marker struct {
	Format      int           `json:"format"`
	ChainID     string        `json:"chain_id"`
	GenesisTime time.Time     `json:"genesis_time"`
	Options     markedOptions `json:"options"`
	Addresses   addresses     `json:"addresses"`
}

// markedOptions are the options that are fixed for the life of the home; RPCListen is among the addresses.
type markedOptions struct {
	Servicers        int      `json:"servicers"`
	Slow             int      `json:"slow"`
	Down             int      `json:"down"`
	Lying            int      `json:"lying"`
	Delay            textTime `json:"delay"`
	BlockTime        textTime `json:"block_time"`
	BlocksPerSession int64    `json:"blocks_per_session"`
	ChecksPerSession uint32   `json:"checks_per_session"`
	Seed             uint64   `json:"seed"`
	Behind           int      `json:"behind,omitempty"`
	// ServicersPerSession is left out if sessions include all servicers.
	ServicersPerSession uint32 `json:"servicers_per_session,omitempty"`
	Ethereum            bool   `json:"ethereum,omitempty"`
	Processes           bool   `json:"processes,omitempty"`
}

// textTime is a duration that is encoded as text: "400ms".
type textTime time.Duration

// MarshalText returns the duration in the form of time.Duration.
func (t textTime) MarshalText() ([]byte, error) { return []byte(time.Duration(t).String()), nil }

// UnmarshalText accepts the form of time.ParseDuration.
func (t *textTime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*t = textTime(d)
	return err
}

func newMarker(o Options, a addresses, genesisTime time.Time) marker {
	return marker{
		Format:      markerFormat,
		ChainID:     ChainID(o.Seed),
		GenesisTime: genesisTime,
		Options: markedOptions{
			Servicers:           o.Servicers,
			Slow:                o.Slow,
			Down:                o.Down,
			Lying:               o.Lying,
			Behind:              o.Behind,
			Delay:               textTime(o.Delay),
			BlockTime:           textTime(o.BlockTime),
			BlocksPerSession:    o.BlocksPerSession,
			ChecksPerSession:    o.ChecksPerSession,
			Seed:                o.Seed,
			ServicersPerSession: o.ServicersPerSession,
			Ethereum:            o.Ethereum,
			Processes:           o.Processes != nil,
		},
		Addresses: a,
	}
}

// parseMarker reads a marker strictly: unknown, missing or contradictory values are errors.
func parseMarker(data []byte) (marker, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return marker{}, err
	}
	if version.Format != markerFormat {
		return marker{}, fmt.Errorf("format is %d; this program reads format %d", version.Format, markerFormat)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var m marker
	if err := decoder.Decode(&m); err != nil {
		return marker{}, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return marker{}, fmt.Errorf("unexpected data after the object")
	}
	return m, m.validate()
}

func (m marker) validate() error {
	if want := ChainID(m.Options.Seed); m.ChainID != want {
		return fmt.Errorf("chain id is %q, not %q", m.ChainID, want)
	}
	if m.GenesisTime.Unix() <= 0 {
		return fmt.Errorf("genesis time is %v", m.GenesisTime)
	}
	o := m.options()
	if err := o.Validate(); err != nil {
		return err
	}
	if o.Slow+o.Down+o.Lying+o.Behind > o.Servicers {
		return fmt.Errorf("faults are more than the servicers")
	}
	return m.Addresses.validate(o)
}

// encode returns the marker as a file.
func (m marker) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode marker: %w", err)
	}
	return append(data, '\n'), nil
}

// options returns the recorded options alone.
func (m marker) options() Options {
	return Options{
		Servicers:           m.Options.Servicers,
		Slow:                m.Options.Slow,
		Down:                m.Options.Down,
		Lying:               m.Options.Lying,
		Behind:              m.Options.Behind,
		Delay:               time.Duration(m.Options.Delay),
		BlockTime:           time.Duration(m.Options.BlockTime),
		BlocksPerSession:    m.Options.BlocksPerSession,
		ChecksPerSession:    m.Options.ChecksPerSession,
		Seed:                m.Options.Seed,
		ServicersPerSession: m.Options.ServicersPerSession,
		Ethereum:            m.Options.Ethereum,
		RPCListen:           m.Addresses.RPC,
	}
}
