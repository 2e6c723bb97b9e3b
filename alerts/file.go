package alerts

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

const (
	// fileName is the file that restarts go by, below the directory.
	fileName = "alerts.json"
	// fileVersion is the version of its form.
	fileVersion = 1
	// maximumFile bounds what is read of it, in bytes.
	maximumFile = 64 << 20
)

func pathIn(directory string) string { return filepath.Join(directory, fileName) }

// file is what a restart goes by.
type file struct {
	Version int              `json:"version"`
	Records []machine.Record `json:"records"`
	// Messages that are not delivered yet, by receiver, oldest first.
	Messages map[string][]machine.Message `json:"messages"`
}

// restore takes over what was stored. What cannot be read is set aside.
func (a *Alerter) restore() {
	read, err := readFile(a.path)
	if err != nil {
		aside := a.path + ".unreadable"
		a.logger.Error("the state of alerts cannot be read; it is set aside, and what was told before may be told again",
			"file", a.path, "aside", aside, "error", err)
		_ = os.Rename(a.path, aside)
		return
	}
	a.hasFile = read.Version != 0
	a.machine.Restore(read.Records)
	a.firing = a.machine.Firing()
	for _, each := range a.alerts.Receivers {
		waiting := read.Messages[each.Name]
		q := newQueue()
		for _, message := range waiting[max(0, len(waiting)-queueSize):] {
			q.push(message)
		}
		q.commit()
		a.queues[each.Name] = q
	}
}

// readFile reads the file; an empty one if there is none.
func readFile(path string) (file, error) {
	var read file
	opened, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return read, nil
	}
	if err != nil {
		return read, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maximumFile))
	if err != nil {
		return read, err
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return file{}, err
	}
	if read.Version != fileVersion {
		return file{}, fmt.Errorf("version %d is not %d", read.Version, fileVersion)
	}
	return read, nil
}

// store writes what a restart goes by, unless it is stored already.
func (a *Alerter) store() {
	content := file{Version: fileVersion, Records: a.machine.Records(), Messages: make(map[string][]machine.Message)}
	a.mu.Lock()
	for _, each := range a.alerts.Receivers {
		if q := a.queues[each.Name]; q != nil {
			if waiting := q.messages(); len(waiting) > 0 {
				content.Messages[each.Name] = waiting
			}
		}
	}
	a.mu.Unlock()
	data, err := json.Marshal(content)
	if !a.hasFile && len(content.Records)+len(content.Messages) == 0 {
		return
	}
	digest := sha256.Sum256(data)
	if err == nil && digest == a.stored {
		return
	}
	if err == nil {
		err = writeFile(a.path, data)
	}
	if err != nil {
		a.trouble("the state of alerts could not be stored; after a restart, alerts may be told again", err)
		return
	}
	a.stored, a.hasFile = digest, true
}

// writeFile replaces a file. It is the old one or the new one, whenever the machine stops.
func writeFile(path string, data []byte) error {
	written, err := os.CreateTemp(filepath.Dir(path), fileName+".*")
	if err != nil {
		return err
	}
	_, err = written.Write(data)
	if err = errors.Join(err, written.Sync(), written.Close()); err == nil {
		err = os.Rename(written.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(written.Name()))
	}
	return nil
}
