package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// MaximumSize bounds the file of a secret, and the text before references are replaced, in bytes.
	MaximumSize = 16 << 10
	// maximumReferences bounds the references in a text.
	maximumReferences = 16
	// maximumPath bounds paths, in bytes.
	maximumPath = 2048
)

// Form says how a secret is given.
const Form = "text, which may contain ${NAME} of an environment variable, or {file: PATH}"

// Environment looks up an environment variable; see os.LookupEnv.
type Environment func(name string) (value string, found bool)

// variable is a reference, or one that is to be taken as it is: "$${NAME}" stands for "${NAME}".
var variable = regexp.MustCompile(`\$?\$\{([^{}\r\n]*)\}`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// Expand replaces references to the environment. The problems say what is wrong with the text, if anything, without
// repeating what may be secret.
func Expand(written string, env Environment) (expanded string, problems []string) {
	add := func(problem string) { problems = append(problems, problem) }
	if len(written) > MaximumSize || len(variable.FindAllString(written, maximumReferences+1)) > maximumReferences {
		add(fmt.Sprintf("is too long; allowed: %d bytes with %d references to the environment", MaximumSize, maximumReferences))
		return "", problems
	}
	if strings.Contains(variable.ReplaceAllString(written, ""), "${") {
		add("has ${ without }; allowed: " + Form)
	}
	expanded = variable.ReplaceAllStringFunc(written, func(found string) string {
		if literal, is := strings.CutPrefix(found, "$$"); is {
			return "$" + literal
		}
		name := variable.FindStringSubmatch(found)[1]
		if !variableName.MatchString(name) {
			add("has ${…} with something else than the name of an environment variable; allowed: letters, digits and _ ($${ stands for ${)")
			return ""
		}
		value, is := env(name)
		switch {
		case !is:
			add("environment variable " + name + " is not set; set it, or use {file: PATH}")
		case value == "":
			add("environment variable " + name + " is empty; set it, or use {file: PATH}")
		}
		return value
	})
	return expanded, problems
}

var (
	errIrregular = errors.New("it is not a regular file")
	errTooLong   = errors.New("it is too long")
	errEmpty     = errors.New("it is empty")
)

// ReadFile returns the contents of a file of a secret without its final newline. The error does not name the path.
func ReadFile(path string) (string, error) {
	data, err := ReadRegular(path, MaximumSize)
	if err != nil {
		return "", errors.New(Reason(err))
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return "", errEmpty
	}
	return value, nil
}

// IsEmpty reports whether an error of ReadFile says that the file is empty.
func IsEmpty(err error) bool { return errors.Is(err, errEmpty) }

// Reason returns why a file could not be read, without its path.
func Reason(err error) string {
	if at, is := errors.AsType[*fs.PathError](err); is {
		err = at.Err
	}
	return err.Error()
}

// ReadRegular reads a regular file of at most the given number of bytes. Anything else could block or never end.
func ReadRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errIrregular
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w, above %d bytes", errTooLong, limit)
	}
	return data, err
}

// IsPath reports whether text can be the path of a file.
func IsPath(path string) bool {
	return path != "" && len(path) <= maximumPath && !strings.ContainsRune(path, 0)
}

// Within returns a path that is relative to a directory.
func Within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
