package schedules

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseDuration reads a Go duration that may also count days: "90s", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	rest, days := text, time.Duration(0)
	if number, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n >= 0 && n <= 36500) {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		if days = time.Duration(n * float64(24*time.Hour)); after == "" {
			return days, nil
		}
		rest = after
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-days {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	return days + d, nil
}

// parseSize reads "512KB", "256 MB", "1GB" or a plain number of bytes. A KB is
// 1,024 bytes.
func parseSize(text string) (int64, error) {
	number, shift := strings.TrimSuffix(text, "B"), 0
	for suffix, bits := range map[string]int{"K": 10, "M": 20, "G": 30} {
		if n, found := strings.CutSuffix(number, suffix); found {
			number, shift = n, bits
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return n << shift, nil
}

// parseShare reads "2%" as 0.02.
func parseShare(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(n >= 0) || !strings.HasSuffix(text, "%") {
		return 0, fmt.Errorf("%q is not a share", text)
	}
	return n / 100, nil
}
