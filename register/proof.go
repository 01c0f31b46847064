package register

// Names of the checks of gate 1, in the order in which they are made.
const (
	CheckFraming    = "framed body"
	CheckCap        = "under the cap"
	CheckRightThing = "right thing"
	CheckDecodes    = "decodes"
	CheckShape      = "same shape"
	CheckLastRow    = "last row whole"
	CheckPages      = "all pages"
	CheckCount      = "count"
)

// Verdict of one check.
type Verdict string

// A check passes; it is lacking, so that the fetch may show that something is
// there and never that something is gone; or it fails the fetch.
const (
	Pass Verdict = "pass"
	Lack Verdict = "lack"
	Fail Verdict = "fail"
)

// Check is one line of the proof that a fetch is whole.
type Check struct {
	Name    string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Class   string  `json:"class,omitempty"` // of the failure; see [Failure]
	Detail  string  `json:"detail"`          // what was seen
}

// Proof is what gate 1 found. An empty proof proves nothing.
type Proof []Check

// Complete reports whether every check passed.
func (p Proof) Complete() bool {
	for _, c := range p {
		if c.Verdict != Pass {
			return false
		}
	}
	return len(p) > 0
}

// Failed returns the first check that fails the fetch, or nil.
func (p Proof) Failed() *Check { return p.first(Fail) }

// Lacking returns the first proof that is missing, or nil.
func (p Proof) Lacking() *Check { return p.first(Lack) }

func (p Proof) first(v Verdict) *Check {
	for i := range p {
		if p[i].Verdict == v {
			return &p[i]
		}
	}
	return nil
}
