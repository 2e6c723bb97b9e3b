package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kustomize builds the objects of a kustomization.
func kustomize(directory string) (resmap.ResMap, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), directory)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", directory, err)
	}
	return made, nil
}

// render returns the manifests of a kustomization as YAML, in the form in which they are checked.
func render(directory string) ([]byte, error) {
	made, err := kustomize(directory)
	if err != nil {
		return nil, err
	}
	return made.AsYaml()
}

// list returns the same as a List in JSON, which both programs and kubectl can read.
func list(directory string) ([]byte, error) {
	made, err := kustomize(directory)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": made.Resources()})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", directory, err)
	}
	return append(encoded, '\n'), nil
}

// checkManifests renders a kustomization and checks the result.
func checkManifests(ctx context.Context, directory string) error {
	manifests, err := render(directory)
	if err != nil {
		return err
	}
	checker, err := newChecker(ctx)
	if err != nil {
		return err
	}
	defer checker.Close()
	count, err := checker.check(directory, manifests)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d objects, valid by the schemas of %s\n", directory, count, kubernetes)
	return nil
}

// checker checks manifests against Kubernetes' schemas, which it stores in a directory of its own.
type checker struct {
	directory string
	validator validator.Validator
}

func newChecker(ctx context.Context) (_ *checker, err error) {
	specification, err := downloaded(ctx)
	if err != nil {
		return nil, err
	}
	c := &checker{}
	if c.directory, err = os.MkdirTemp("", "k8s-schemas-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if err := writeSchemas(specification, c.directory); err != nil {
		return nil, err
	}
	location := filepath.Join(c.directory, "{{.ResourceKind}}{{.KindSuffix}}.json")
	c.validator, err = validator.New([]string{location}, validator.Opts{Strict: true})
	return c, err
}

// Close removes the schemas.
func (c *checker) Close() { _ = os.RemoveAll(c.directory) }

// check returns the number of objects. The error names everything that is wrong, including objects of an unknown kind.
func (c *checker) check(name string, manifests []byte) (int, error) {
	var wrong []error
	results := c.validator.Validate(name, io.NopCloser(bytes.NewReader(manifests)))
	for _, result := range results {
		if result.Status != validator.Valid {
			signature, err := result.Resource.Signature()
			if err != nil {
				wrong = append(wrong, err)
				continue
			}
			wrong = append(wrong, fmt.Errorf("%s %s: %w", signature.Kind, signature.Name, errors.Join(result.Err)))
		}
	}
	if len(results) == 0 {
		wrong = append(wrong, fmt.Errorf("%s: no objects", name))
	}
	return len(results), errors.Join(wrong...)
}
