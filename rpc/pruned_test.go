package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// prunedBlocks are those from a height on.
type prunedBlocks struct {
	fakeBlocks
	oldest int64
}

func (b prunedBlocks) Block(height int64) (Block, error) {
	if height < b.oldest {
		return Block{}, &modules.HeightNotKept{Height: height, Oldest: b.oldest, Newest: b.height}
	}
	return b.fakeBlocks.Block(height)
}

// A block that is not kept is refused with what there is; the newest blocks are those that there are.
func TestPrunedBlocksNameTheRange(t *testing.T) {
	t.Parallel()
	readers, _, _ := readersAt(23)
	readers.Blocks = prunedBlocks{fakeBlocks{23}, 20}
	server := New(Config{}, readers)
	for _, path := range []string{"/v1/block?height=12", "/v1/blocks?from=12&limit=3"} {
		answer := ask(server, "GET", path)
		conforms(t, strings.SplitN(path, "?", 2)[0], answer)
		if want := `{"error":{"code":"height_unavailable","message":"height 12 is not kept; this node has 20 to 23"}}`; answer.Code != 404 ||
			strings.TrimSpace(answer.Body.String()) != want {
			t.Errorf("%s: %d: %s", path, answer.Code, answer.Body)
		}
	}
	for path, heights := range map[string][]int{"/v1/blocks": {20, 21, 22, 23}, "/v1/blocks?limit=2": {22, 23}} {
		answer := ask(server, "GET", path)
		conforms(t, "/v1/blocks", answer)
		body := answer.Body.String()
		if answer.Code != 200 || strings.Count(body, `"hash"`) != len(heights) || !strings.Contains(body, fmt.Sprintf(`{"height":%d,"hash"`, heights[0])) {
			t.Errorf("%s: %d: %s", path, answer.Code, body)
		}
	}
}
