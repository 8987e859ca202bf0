package identity_test

import (
	"encoding/base64"
	"testing"

	"auth-v2-service/internal/devstack/identity"
)

// Firebase's own example.
func TestHashConfig_AgreesWithFirebasesTool(t *testing.T) {
	config := identity.HashConfig{
		SignerKey:     decoded(t, "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
		SaltSeparator: decoded(t, "Bw=="),
		Rounds:        8,
		MemoryCost:    14,
	}
	hash, err := config.Hash("user1password", decoded(t, "42xEC+ixf3L2lw=="))
	if err != nil {
		t.Fatal(err)
	}
	want := "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
	equal(t, "hash", base64.StdEncoding.EncodeToString(hash), want)
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestImport_TakesHashesOfAnotherProject(t *testing.T) {
	from, to := serve(t, identity.Options{}), serve(t, identity.Options{})
	uid := from.signUp("jane@example.com").text("localId")
	user := from.admin("accounts:lookup", object{"localId": []string{uid}}).ok().body["users"].([]any)[0].(object)
	config := from.HashConfig()
	to.admin("accounts:batchCreate", object{
		"hashAlgorithm": "SCRYPT", "signerKey": base64.URLEncoding.EncodeToString(config.SignerKey),
		"saltSeparator": base64.URLEncoding.EncodeToString(config.SaltSeparator), "rounds": config.Rounds, "memoryCost": config.MemoryCost,
		"users": []object{{"localId": uid, "email": "jane@example.com", "passwordHash": user["passwordHash"], "salt": user["salt"]}},
	}).ok()
	to.signIn("jane@example.com", "wrong-one").refused("INVALID_LOGIN_CREDENTIALS")
	to.signIn("jane@example.com", "secret-1").ok()
	to.signIn("jane@example.com", "secret-1").ok()
}
