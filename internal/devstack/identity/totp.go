package identity

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpWindow = 1 // steps on either side
)

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// TOTP is the code at a time (RFC 6238: SHA-1, 30 s, six digits).
func TOTP(secret string, at time.Time) (string, error) {
	key, err := totpEncoding.DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("identity: a TOTP secret is base32: %w", err)
	}
	return totpAt(key, totpStep(at)), nil
}

func totpStep(at time.Time) int64 { return at.Unix() / int64(totpPeriod/time.Second) }

func totpAt(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, number%1_000_000)
}

func (f factor) matches(code string, now time.Time) (int64, bool) {
	key, err := totpEncoding.DecodeString(f.Secret)
	if err != nil {
		return 0, false
	}
	for step := totpStep(now) - totpWindow; step <= totpStep(now)+totpWindow; step++ {
		if step > f.LastStep && subtle.ConstantTimeCompare([]byte(totpAt(key, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}
