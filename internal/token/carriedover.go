package token

import (
	"time"

	"github.com/google/uuid"
)

// LegacySessionClaim is the developer claim by which a session at Firebase says which legacy session it goes on from (M9). Nobody
// but who may sign custom tokens for the project can write it, and it can only make a session older, never younger.
const LegacySessionClaim = "legacy_session"

// LegacySession is the value of LegacySessionClaim: which session, and when the person signed in, in Unix seconds.
type LegacySession struct {
	ID       string `json:"id"`
	AuthTime int64  `json:"auth_time"`
}

// CarriedOver is the claim for a legacy session that goes on at Firebase.
func CarriedOver(legacy Claims) LegacySession {
	return LegacySession{ID: legacy.SessionID.String(), AuthTime: legacy.AuthTime.Unix()}
}

// check holds the claim to what CarriedOver writes. None at all is a session of Firebase's own.
func (l *LegacySession) check() error {
	if l == nil {
		return nil
	}
	if id, err := uuid.Parse(l.ID); err != nil || id == uuid.Nil || l.AuthTime <= 0 || l.AuthTime > latestDate {
		return malformed(LegacySessionClaim + " names no session")
	}
	return nil
}

// into puts the session and its age into claims.
func (l *LegacySession) into(c *Claims) {
	if l == nil {
		return
	}
	c.SessionID = uuid.MustParse(l.ID) // check has read it
	if began := time.Unix(l.AuthTime, 0).UTC(); began.Before(c.AuthTime) {
		c.AuthTime = began
	}
}
