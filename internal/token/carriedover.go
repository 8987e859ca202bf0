package token

import (
	"time"

	"github.com/google/uuid"
)

// LegacySessionClaim is the developer claim that names the legacy session which a Firebase session continues (M9). Only the project's
// signers of custom tokens can write it, and it can only make a session older.
const LegacySessionClaim = "legacy_session"

// LegacySession is the value of LegacySessionClaim. AuthTime is in Unix seconds.
type LegacySession struct {
	ID       string `json:"id"`
	AuthTime int64  `json:"auth_time"`
}

// CarriedOver returns the claim that continues a legacy session at Firebase.
func CarriedOver(legacy Claims) LegacySession {
	return LegacySession{ID: legacy.SessionID.String(), AuthTime: legacy.AuthTime.Unix()}
}

// A nil l is a session of Firebase's own.
func (l *LegacySession) check() error {
	if l == nil {
		return nil
	}
	if id, err := uuid.Parse(l.ID); err != nil || id == uuid.Nil || l.AuthTime <= 0 || l.AuthTime > latestDate {
		return malformed(LegacySessionClaim + " names no session")
	}
	return nil
}

func (l *LegacySession) into(c *Claims) {
	if l == nil {
		return
	}
	c.SessionID = uuid.MustParse(l.ID) // check has parsed it
	if began := time.Unix(l.AuthTime, 0).UTC(); began.Before(c.AuthTime) {
		c.AuthTime = began
	}
}
