package token

import (
	"time"

	"github.com/google/uuid"
)

// LegacySessionClaim names the legacy session that a Firebase session continues (M9). Only signers of custom tokens can write it, and it
// only makes a session older.
const LegacySessionClaim = "legacy_session"

// LegacySession is the claim's value. AuthTime is in Unix seconds.
type LegacySession struct {
	ID       string `json:"id"`
	AuthTime int64  `json:"auth_time"`
}

// CarriedOver returns the claim for a legacy session.
func CarriedOver(legacy Claims) LegacySession {
	return LegacySession{ID: legacy.SessionID.String(), AuthTime: legacy.AuthTime.Unix()}
}

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
	c.SessionID = uuid.MustParse(l.ID)
	if began := time.Unix(l.AuthTime, 0).UTC(); began.Before(c.AuthTime) {
		c.AuthTime = began
	}
}
