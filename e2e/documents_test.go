package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// commandTimeout bounds one command of a document, and how long it may take until it ends as it should.
const commandTimeout = 40 * time.Second

// documentRules say how the commands of documents are run. A command without a rule is run as it stands and has to end
// with exit code 0.
type documentRules struct {
	// Replace are pairs of texts in the commands of all documents.
	Replace [][2]string `json:"replace"`
	// Rules for commands of any document; the first that fits holds.
	Rules []*commandRule `json:"rules"`
	// Documents by path.
	Documents map[string]*struct {
		// Text are the beginnings of lines that look like commands and are none.
		Text []string `json:"text"`
		// Environment are variables of its commands, with those of the test in them.
		Environment map[string]string `json:"environment"`
		// Replace comes before the pairs of all documents, Rules before the rules of all documents.
		Replace [][2]string    `json:"replace"`
		Rules   []*commandRule `json:"rules"`
	} `json:"documents"`
}

// commandRule says how a command is run.
type commandRule struct {
	// Command is its beginning, as the document has it.
	Command string `json:"command"`
	// Skip is why it is not run.
	Skip string `json:"skip"`
	// Instead is run in its place.
	Instead string `json:"instead"`
	// Exit is the exit code that it has to end with.
	Exit int `json:"exit"`
	// Await repeats it until it ends so.
	Await bool `json:"await"`
	// Background leaves it running to the end of the document, and waits for this text on its standard error.
	Background string `json:"background"`
	// Says is a regular expression that its standard output has to match. Groups with a name become variables.
	Says string `json:"says"`

	used bool
}

// documentCommand is a command that a document tells its reader to type.
type documentCommand struct {
	line int
	text string
}

// TestDocumentCommands runs every command of the documents, in their order, against one LocalNet.
func TestDocumentCommands(t *testing.T) {
	rules := readDocumentRules(t)
	runner := newDocumentRunner(t)
	for _, path := range userDocuments(t) {
		t.Run(path, func(t *testing.T) { runner.document(t, rules, path) })
	}
	for _, rule := range rules.all() {
		if !rule.used && !t.Failed() {
			t.Errorf("no document has the command %q: its rule is of no use", rule.Command)
		}
	}
}

// userDocuments returns those with commands for people, relative to the root. Decisions tell what was, and docs/cli is
// made by the command line itself.
func userDocuments(t *testing.T) []string {
	paths := []string{"README.md", "CONTRIBUTING.md", "docs/development/README.md", "build/localnet/README.md"}
	more, err := filepath.Glob("../docs/*.md")
	if err != nil || len(more) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, path := range more {
		paths = append(paths, filepath.ToSlash(strings.TrimPrefix(path, "../")))
	}
	return paths
}

func readDocumentRules(t *testing.T) *documentRules {
	file, err := os.Open(filepath.Join("testdata", "documents.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	rules := &documentRules{}
	if err := decoder.Decode(rules); err != nil {
		t.Fatal(err)
	}
	return rules
}

func (r *documentRules) all() []*commandRule {
	all := slices.Clone(r.Rules)
	for _, document := range r.Documents {
		all = append(all, document.Rules...)
	}
	return all
}

var (
	// fence begins or ends a block of code; its language is the group.
	fence = regexp.MustCompile("^```(\\w*)")
	// typed is how a command begins: with the name or path of a program, or with a variable.
	typed = regexp.MustCompile(`^([a-z][\w./-]*|[A-Z_]+=\S*)( |$)`)
)

// commandsOf finds the lines of indented blocks, and of fenced ones in sh or bash, that look like commands. A backslash
// at the end of a line joins it with the next.
func commandsOf(text string) (commands []documentCommand) {
	number, fenced, language, open := 0, false, "", false
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if match := fence.FindStringSubmatch(line); match != nil {
			fenced, language = !fenced, match[1]
			continue
		}
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case fenced && language != "sh" && language != "bash", !fenced && !indented:
			open = false
			continue
		case fenced:
			code = line
		}
		if code = strings.TrimSpace(code); open {
			last := &commands[len(commands)-1]
			last.text += " " + code
		} else if typed.MatchString(code) {
			commands = append(commands, documentCommand{number, code})
		} else {
			continue
		}
		last := &commands[len(commands)-1]
		last.text, open = strings.CutSuffix(last.text, "\\")
		last.text = strings.TrimSpace(last.text)
	}
	return commands
}

func TestCommandsOfDocuments(t *testing.T) {
	const text = "Text.\n\n    bin/pocket a \\\n        --b   # why\n    (p + z)\n    \"x\": 1\n    A=1 go test\n\n```json\ncurl x\n```\n```sh\ncurl y\n```\n"
	want := []documentCommand{{3, "bin/pocket a --b   # why"}, {7, "A=1 go test"}, {13, "curl y"}}
	if got := commandsOf(text); !slices.Equal(got, want) {
		t.Errorf("commands %+v, want %+v", got, want)
	}
}

// documentRunner runs commands as a reader would, in a directory with bin/pocket, beside a LocalNet.
type documentRunner struct {
	directory string
	variables map[string]string
}

// newDocumentRunner starts the LocalNet and waits until its fisherman has samples of a whole session.
func newDocumentRunner(t *testing.T) *documentRunner {
	r := &documentRunner{directory: t.TempDir(), variables: map[string]string{}}
	if err := os.Mkdir(filepath.Join(r.directory, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(buildBinary(t), filepath.Join(r.directory, "bin", "pocket")); err != nil {
		t.Fatal(err)
	}
	// A reader stands at the module's root: a home cannot have the name of a folder there.
	if err := os.CopyFS(r.directory, foldersOf(t, "..")); err != nil {
		t.Fatal(err)
	}
	free, err := freeAddresses(12)
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range free[1:] {
		r.variables[fmt.Sprintf("FREE%d", i+1)] = address
	}
	actor := func(role types.ActorType, index int) string { return localnet.Key(1, role, index).Address() }
	maps.Copy(r.variables, map[string]string{
		"POCKET_NODE": "http://" + free[0], "XDG_CONFIG_HOME": filepath.Join(r.directory, "config"), "POCKET_PASSPHRASE": passphrase,
		"APPLICATION": actor(types.ActorType_ACTOR_TYPE_APPLICATION, 0), "VALIDATOR": actor(types.ActorType_ACTOR_TYPE_VALIDATOR, 0), "FISHERMAN": actor(types.ActorType_ACTOR_TYPE_FISHERMAN, 0),
		"SERVICER": actor(types.ActorType_ACTOR_TYPE_SERVICER, 0), "DOWN": actor(types.ActorType_ACTOR_TYPE_SERVICER, 4), "SPARE": actor(types.ActorType_ACTOR_TYPE_SERVICER, 9),
	})
	r.background(t, "bin/pocket localnet --home here --block-time 200ms --blocks-per-session 5 --checks-per-session 6 --rpc-listen "+
		free[0], ", complete (chain 0001")
	return r
}

// foldersOf returns the folders of a directory, each with nothing but a file.
func foldersOf(t *testing.T, directory string) fs.FS {
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	folders := fstest.MapFS{}
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "bin" {
			folders[entry.Name()+"/doc.go"] = &fstest.MapFile{}
		}
	}
	return folders
}

// document runs the commands of one document.
func (r *documentRunner) document(t *testing.T, rules *documentRules, path string) {
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	own := rules.Documents[path]
	candidates, replace, none := rules.Rules, rules.Replace, []string(nil)
	before := maps.Clone(r.variables)
	defer func() { r.variables = before }()
	if own != nil {
		for name, value := range own.Environment {
			r.variables[name] = os.Expand(value, func(name string) string { return before[name] })
		}
		candidates, replace, none = slices.Concat(own.Rules, candidates), slices.Concat(own.Replace, replace), own.Text
	}
	begins := func(command string) func(string) bool {
		return func(beginning string) bool { return strings.HasPrefix(command, beginning) }
	}
	for _, command := range commandsOf(string(text)) {
		if slices.ContainsFunc(none, begins(command.text)) {
			continue
		}
		rule := &commandRule{}
		if i := slices.IndexFunc(candidates, func(c *commandRule) bool { return begins(command.text)(c.Command) }); i >= 0 {
			rule = candidates[i]
		}
		rule.used = true
		if err := r.command(t, rule, replace, command.text); err != nil {
			t.Fatalf("%s:%d: %s: %v", path, command.line, command.text, err)
		}
	}
}

// command runs one command by its rule.
func (r *documentRunner) command(t *testing.T, rule *commandRule, replace [][2]string, text string) error {
	if rule.Skip != "" {
		return nil
	}
	if rule.Instead != "" {
		text = rule.Instead
	}
	for _, pair := range replace {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	if rule.Background != "" {
		r.background(t, text, rule.Background)
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	for {
		err := r.once(ctx, rule, text)
		if err == nil || !rule.Await || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// once runs a command and judges its end.
func (r *documentRunner) once(ctx context.Context, rule *commandRule, text string) error {
	var stdout, stderr bytes.Buffer
	process := r.shell(ctx, text)
	process.Stdout, process.Stderr = &stdout, &stderr
	exit := 0
	if err := process.Run(); err != nil {
		ended, is := errors.AsType[*exec.ExitError](err)
		if !is {
			return err
		}
		exit = ended.ExitCode()
	}
	if exit != rule.Exit {
		return fmt.Errorf("exit code %d, want %d\nrun as: %s\n%s%s", exit, rule.Exit, text, stdout.String(), stderr.String())
	}
	if rule.Says == "" {
		return nil
	}
	says := regexp.MustCompile("(?m)" + rule.Says)
	match := says.FindStringSubmatch(stdout.String())
	if match == nil {
		return fmt.Errorf("does not say %s\n%s", rule.Says, stdout.String())
	}
	for i, name := range says.SubexpNames() {
		if name != "" {
			r.variables[name] = match[i]
		}
	}
	return nil
}

// background runs a command until the test ends, and waits until it says something.
func (r *documentRunner) background(t *testing.T, text, says string) {
	process := r.shell(context.WithoutCancel(t.Context()), "exec "+text)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	t.Cleanup(func() {
		defer log.Close()
		_ = process.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = process.Process.Signal(syscall.SIGKILL)
			t.Errorf("%s: did not end within 10 s", text)
		}
	})
	for limit := time.Now().Add(commandTimeout); ; {
		said, err := os.ReadFile(log.Name())
		if err != nil || time.Now().After(limit) {
			t.Fatalf("%s: does not say %q: %v\n%s", text, says, err, said)
		}
		if bytes.Contains(said, []byte(says)) {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s: ended with %v: %s", text, err, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// shell makes a process of a command line. It has the runner's variables and is no terminal.
func (r *documentRunner) shell(ctx context.Context, text string) *exec.Cmd {
	process := exec.CommandContext(ctx, "bash", "-c", text)
	process.Dir = r.directory
	process.Env = os.Environ()
	for name, value := range r.variables {
		process.Env = append(process.Env, name+"="+value)
	}
	process.WaitDelay = time.Second
	return process
}
