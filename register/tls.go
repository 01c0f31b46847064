package register

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// TLS is what one source's servers are believed by, where the system's trust is
// not enough or is too much. The zero value is the system's trust.
type TLS struct {
	CA   string   // PEM: certificates that are trusted beside the system's
	Pins []string // keys of which one must stand in the chain; see [PinOf]
}

// pinPrefix is how a pin begins, as in curl and in HPKP (RFC 7469, 2.4).
const pinPrefix = "sha256/"

// PinOf names a certificate's public key: "sha256/" and the base64 of the
// SHA-256 of its SubjectPublicKeyInfo. A renewed certificate may keep its key.
func PinOf(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// CheckPin says what is wrong with a pin, or nil.
func CheckPin(pin string) error {
	text, ok := strings.CutPrefix(pin, pinPrefix)
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(sum) != sha256.Size {
		return errors.New("is not sha256/ and the base64 of a SHA-256")
	}
	return nil
}

// Roots reads the certificates of CA; none where it is empty.
func (t TLS) Roots() ([]*x509.Certificate, error) {
	rest := []byte(strings.TrimSpace(t.CA))
	var roots []*x509.Certificate
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		switch {
		case block == nil:
			return nil, errors.New("holds what is no PEM certificate")
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("holds a %s where certificates belong", block.Type)
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d can not be read: %w", len(roots)+1, err)
		}
		roots, rest = append(roots, root), []byte(strings.TrimSpace(string(after)))
	}
	return roots, nil
}
