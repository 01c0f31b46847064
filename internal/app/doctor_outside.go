package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
)

const (
	dialTimeout  = 5 * time.Second
	dialsAtOnce  = 8
	clockSkew    = 2 * time.Minute
	scarceBytes  = 1 << 30
	tooFewBytes  = 100 << 20
	clockAdvice  = "set the clock, for example with NTP: times of changes are evidence"
	diskAdvice   = "make room, or move the data directory; archive.keep says how long fetched bodies are kept"
	networkCheck = "network"
)

// outpost is a host that a watched register is fetched from.
type outpost struct {
	scheme, address string // address is host:port
	private         bool
	registers       []string
}

// outposts lists the hosts of the watched registers.
func (a *App) outposts() []*outpost {
	watched, _ := a.definitions.all()
	var posts []*outpost
	for _, def := range watched {
		for _, page := range def.Fetch.URLs {
			u, err := url.Parse(page)
			if err != nil || u.Host == "" || def.Disabled {
				continue // definitions were checked; there is nothing to dial
			}
			port := u.Port()
			if port == "" {
				port = map[string]string{"http": "80"}[u.Scheme]
			}
			if port == "" {
				port = "443"
			}
			address := net.JoinHostPort(u.Hostname(), port)
			i := slices.IndexFunc(posts, func(p *outpost) bool { return p.address == address && p.private == def.Fetch.AllowPrivate })
			if i < 0 {
				i, posts = len(posts), append(posts, &outpost{scheme: u.Scheme, address: address, private: def.Fetch.AllowPrivate})
			}
			if !slices.Contains(posts[i].registers, def.ID) {
				posts[i].registers = append(posts[i].registers, def.ID)
			}
		}
	}
	return posts
}

// aboutNetwork looks up and dials the hosts of the watched registers, as a fetch
// would. A host that can not be reached now is a warning: it may be its own
// trouble.
func (a *App) aboutNetwork(ctx context.Context) []Finding {
	posts := a.outposts()
	if len(posts) == 0 {
		return []Finding{{Check: networkCheck, Verdict: Fine, Detail: "no host to reach: nothing is watched"}}
	}
	errs := make([]error, len(posts))
	var group sync.WaitGroup
	places := make(chan struct{}, dialsAtOnce)
	for i, post := range posts {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			errs[i] = post.dial(ctx)
		})
	}
	group.Wait()
	var findings []Finding
	for i, post := range posts {
		f := Finding{Check: networkCheck, Verdict: Fine, Detail: post.address + " answers"}
		if errs[i] != nil {
			f.Verdict, f.Detail = Warning, fmt.Sprintf("%s, for %s: %v", post.address, strings.Join(post.registers, ", "), errs[i])
			f.Next = "see that this machine has a way out: name service, firewall; proxies are not used"
			if safenet.IsBlocked(errs[i]) {
				f.Next = "regwatch itself refuses it: see fetch in docs/adding-a-register.md"
			}
		}
		findings = append(findings, f)
	}
	return findings
}

func (p *outpost) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := safenet.New(safenet.Options{AllowPrivate: p.private}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// aboutClock compares our clock with what was recorded, with the file system's,
// and with a host that tells its time.
func (a *App) aboutClock(ctx context.Context) []Finding {
	all, err := a.Registers(ctx)
	if err != nil {
		return []Finding{{"clock", Broken, err.Error(), ""}}
	}
	now := time.Now()
	for _, r := range all {
		if at := r.State.LastRun.StartedAt; at.After(now.Add(clockSkew)) {
			return []Finding{{"clock", Broken, fmt.Sprintf("it is %s here, but a run of %s was recorded at %s", stamp(now), r.Definition.ID, stamp(at)), clockAdvice}}
		}
	}
	if skew, err := a.fileSkew(); err == nil && skew.Abs() > clockSkew {
		return []Finding{{"clock", Warning, fmt.Sprintf("the data directory's file system is %s away from this machine's clock", skew.Round(time.Second)), clockAdvice}}
	}
	for _, post := range a.outposts() {
		at, err := post.time(ctx)
		if err != nil {
			continue // the network's check tells of it
		}
		if skew := time.Since(at); skew.Abs() > clockSkew {
			return []Finding{{"clock", Warning, fmt.Sprintf("%s is %s away from this machine's clock", post.address, skew.Round(time.Second)), clockAdvice}}
		}
		return []Finding{{Check: "clock", Verdict: Fine, Detail: stamp(now) + ", as " + post.address + " has it"}}
	}
	return []Finding{{Check: "clock", Verdict: Fine, Detail: stamp(now) + ", later than every run; no host was there to compare it with"}}
}

// fileSkew is how far the file system's clock is from ours.
func (a *App) fileSkew() (time.Duration, error) {
	file, err := os.CreateTemp(a.Config.Data, ".clock-*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // an empty file at worst
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return time.Since(info.ModTime()), nil
}

// time asks the host for its time.
func (p *outpost) time(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, p.scheme+"://"+p.address+"/", nil)
	if err != nil {
		return time.Time{}, err
	}
	guarded := safenet.New(safenet.Options{AllowPrivate: p.private})
	defer guarded.Close()
	response, err := guarded.Transport().RoundTrip(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	return http.ParseTime(response.Header.Get("Date"))
}

func (a *App) aboutDisk(context.Context) []Finding {
	free, err := freeBytes(a.Config.Data)
	if err != nil {
		return []Finding{{"disk", Warning, "free space is not known: " + err.Error(), ""}}
	}
	f := Finding{Check: "disk", Verdict: Fine, Detail: size(free) + " free at " + a.Config.Data}
	switch {
	case free < tooFewBytes:
		f.Verdict, f.Next = Broken, diskAdvice
	case free < scarceBytes:
		f.Verdict, f.Next = Warning, diskAdvice
	}
	return []Finding{f}
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }
