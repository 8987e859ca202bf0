package token_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

func TestVerify_SessionsThatGoOn_M9(t *testing.T) {
	t.Parallel()
	signedIn, session := noon.Add(-2*time.Minute), uuid.New()
	for name, c := range map[string]struct {
		claim  any
		began  time.Time
		refuse bool
	}{
		"from an hour before":         {claim: token.CarriedOver(token.Claims{SessionID: session, AuthTime: noon.Add(-time.Hour)}), began: noon.Add(-time.Hour)},
		"from after its sign-in":      {claim: token.CarriedOver(token.Claims{SessionID: session, AuthTime: noon.Add(time.Hour)}), began: signedIn},
		"none":                        {claim: nil, began: signedIn},
		"no object":                   {claim: session.String(), refuse: true},
		"no id":                       {claim: map[string]any{"auth_time": noon.Unix()}, refuse: true},
		"an id of zeros":              {claim: map[string]any{"id": uuid.Nil.String(), "auth_time": noon.Unix()}, refuse: true},
		"an id that is none":          {claim: map[string]any{"id": "x", "auth_time": noon.Unix()}, refuse: true},
		"no time":                     {claim: map[string]any{"id": session.String()}, refuse: true},
		"a time before 1970":          {claim: map[string]any{"id": session.String(), "auth_time": -1}, refuse: true},
		"a time that is no number":    {claim: map[string]any{"id": session.String(), "auth_time": "now"}, refuse: true},
		"a time beyond the year 9999": {claim: map[string]any{"id": session.String(), "auth_time": int64(1) << 40}, refuse: true},
	} {
		got, err := verifierAt(t, noon).Verify(context.Background(), idToken(noon, kid, firstKey(), set(token.LegacySessionClaim, c.claim)))
		switch {
		case c.refuse:
			if !errors.Is(err, token.ErrMalformed) {
				t.Errorf("%s: %+v, %v, expected a refusal", name, got, err)
			}
		case err != nil || !got.AuthTime.Equal(c.began) || got.OfLegacySession() != (c.claim != nil) || got.Kind != token.KindFirebase:
			t.Errorf("%s: %+v, %v, expected a sign-in at %s", name, got, err, c.began)
		case c.claim != nil && got.SessionID != session:
			t.Errorf("%s: session %s, expected %s", name, got.SessionID, session)
		}
	}
}
