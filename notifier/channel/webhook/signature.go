package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks 1.0 (https://www.standardwebhooks.com/).
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far a message's time may be from now.
const tolerance = 5 * time.Minute

// secretPrefix marks a secret that is written in base64.
const secretPrefix = "whsec_"

// key gives the bytes of a secret: base64 after whsec_, otherwise the text.
func key(secret string) ([]byte, error) {
	text, encoded := strings.CutPrefix(secret, secretPrefix)
	if !encoded {
		if secret == "" {
			return nil, errors.New("the secret is empty")
		}
		return []byte(secret), nil
	}
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) == 0 {
		return nil, errors.New("the secret begins with whsec_ and is not base64")
	}
	return bytes, nil
}

// sign gives the signature of a message: v1, and the base64 of an HMAC-SHA256
// over id, timestamp and body.
func sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Verify checks that a webhook was signed with the secret (whsec_ and base64,
// or plain text) at most five minutes from now. Receivers keep the webhook-id
// and drop a message whose id they have seen.
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	k, err := key(secret)
	if err != nil {
		return fmt.Errorf("verify webhook: %w", err)
	}
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return errors.New("verify webhook: no webhook-id, or no webhook-timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("verify webhook: its time is %s from now, more than %s", age.Round(time.Second), tolerance)
	}
	want := []byte(sign(k, id, timestamp, body))
	for signature := range strings.FieldsSeq(header.Get(headerSignature)) {
		if hmac.Equal([]byte(signature), want) {
			return nil
		}
	}
	return errors.New("verify webhook: no signature fits")
}
