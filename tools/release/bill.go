package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// writeBill writes a binary's bill of materials.
func writeBill(out io.Writer, path string) error {
	build, err := readBuild(path)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read binary: %w", err)
	}
	encoder := cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	if err := encoder.EncodeVersion(bill(build, filepath.Base(path), sha256.Sum256(content)), cyclonedx.SpecVersion1_6); err != nil {
		return fmt.Errorf("write bill of materials of %s: %w", path, err)
	}
	return nil
}

// bill returns the list of a build's modules. Its serial number is derived from the binary's hash and its time is the
// commit's, so that the same binary has the same bill.
func bill(build *debug.BuildInfo, name string, hash [sha256.Size]byte) *cyclonedx.BOM {
	main := component(&build.Main)
	main.Type, main.Name = cyclonedx.ComponentTypeApplication, name
	main.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(hash[:])}}
	main.Properties = properties(build)

	components := []cyclonedx.Component{*component(&debug.Module{Path: "std", Version: build.GoVersion})}
	for _, module := range dependencies(build) {
		components = append(components, *component(module))
	}
	bom := cyclonedx.NewBOM()
	bom.SerialNumber = serial(hash)
	bom.Metadata = &cyclonedx.Metadata{Timestamp: setting(build, "vcs.time"), Component: main}
	bom.Components = &components
	return bom
}

func component(module *debug.Module) *cyclonedx.Component {
	reference := fmt.Sprintf("pkg:golang/%s@%s", module.Path, module.Version)
	made := &cyclonedx.Component{
		BOMRef:     reference,
		Type:       cyclonedx.ComponentTypeLibrary,
		Name:       module.Path,
		Version:    module.Version,
		PackageURL: reference,
	}
	// The hash of go.sum: SHA-256 over the list of the module's files and their hashes (golang.org/x/mod, dirhash "h1").
	if sum, ok := strings.CutPrefix(module.Sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
			made.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
		}
	}
	return made
}

// properties returns the toolchain's settings with which the binary was built.
func properties(build *debug.BuildInfo) *[]cyclonedx.Property {
	var listed []cyclonedx.Property
	for _, setting := range build.Settings {
		listed = append(listed, cyclonedx.Property{Name: "go:build:" + setting.Key, Value: setting.Value})
	}
	return &listed
}

// serial returns a UUID of version 8 (RFC 9562: custom content) derived from a hash.
func serial(hash [sha256.Size]byte) string {
	id := hash[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
