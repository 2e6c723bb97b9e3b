package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// definitionsName is the file that all others refer to.
	definitionsName = "_definitions.json"
	// minimumKinds is below the number of kinds that Kubernetes has: fewer mean that the specification was misread.
	minimumKinds = 100
)

// schema is a JSON schema, or a part of one.
type schema = map[string]any

// kind identifies a type of object as manifests do.
type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// file returns the name that kubeconform looks for: the kind, the first part of its group, and its version.
func (k kind) file() string {
	parts := []string{k.Kind}
	if group, _, _ := strings.Cut(k.Group, "."); group != "" {
		parts = append(parts, group)
	}
	return strings.ToLower(strings.Join(append(parts, k.Version), "-")) + ".json"
}

func (k kind) apiVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// writeSchemas writes a strict schema for each kind of an OpenAPI 2 specification. Strict: an unknown field is an error.
func writeSchemas(specification []byte, directory string) error {
	var parsed struct {
		Definitions map[string]schema `json:"definitions"`
	}
	if err := json.Unmarshal(specification, &parsed); err != nil {
		return fmt.Errorf("read the OpenAPI specification: %w", err)
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	written := 0
	for name, definition := range parsed.Definitions {
		kinds, err := kindsOf(definition)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		tighten(definition)
		// Options of requests belong to every group; manifests do not contain them.
		if len(kinds) != 1 {
			continue
		}
		written++
		if err := writeJSON(filepath.Join(directory, kinds[0].file()), schemaOf(name, kinds[0])); err != nil {
			return err
		}
	}
	if written < minimumKinds {
		return fmt.Errorf("the OpenAPI specification has %d kinds, fewer than %d", written, minimumKinds)
	}
	loosen(parsed.Definitions)
	return writeJSON(filepath.Join(directory, definitionsName), schema{"definitions": parsed.Definitions})
}

func kindsOf(definition schema) ([]kind, error) {
	encoded, err := json.Marshal(definition["x-kubernetes-group-version-kind"])
	if err != nil {
		return nil, err
	}
	var kinds []kind
	return kinds, json.Unmarshal(encoded, &kinds)
}

// schemaOf returns the schema of one kind; objects have to declare that kind.
func schemaOf(name string, k kind) schema {
	return schema{
		"allOf": []any{
			schema{"$ref": definitionsName + "#/definitions/" + name},
			schema{
				"required": []string{"apiVersion", "kind"},
				"properties": schema{
					"apiVersion": schema{"enum": []string{k.apiVersion()}},
					"kind":       schema{"enum": []string{k.Kind}},
				},
			},
		},
	}
}

// tighten makes unknown fields an error in objects that list their fields.
func tighten(definition schema) {
	_, fields := definition["properties"]
	_, open := definition["additionalProperties"]
	if fields && !open && definition["x-kubernetes-preserve-unknown-fields"] != true {
		definition["additionalProperties"] = false
	}
}

// loosen allows numbers where the specification says text but the API server accepts both.
func loosen(definitions map[string]schema) {
	for _, name := range []string{
		"io.k8s.apimachinery.pkg.util.intstr.IntOrString",
		"io.k8s.apimachinery.pkg.api.resource.Quantity",
	} {
		if definition, known := definitions[name]; known {
			definition["type"] = []string{"string", "number"}
			delete(definition, "format")
		}
	}
}

func writeJSON(path string, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return os.WriteFile(path, encoded, 0o644)
}
