package conformance

import (
	"fmt"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func (s subject) v2(op string, body object) reply {
	s.t.Helper()
	return s.call("POST", "/identitytoolkit.googleapis.com/v2/accounts/"+op+"?key=any", body, "")
}

func (s subject) startEnrolment() (reply, string, object) {
	s.t.Helper()
	s.admin("", object{"localId": uid, "email": jane, "password": secret, "emailVerified": true}).must()
	idToken := s.signIn(jane, secret).must().text("idToken")
	started := s.v2("mfaEnrollment:start", object{"idToken": idToken, "totpEnrollmentInfo": object{}})
	session, _ := started.body["totpSessionInfo"].(object)
	return started, idToken, session
}

func totp(session object, steps int) string {
	key, _ := session["sharedSecretKey"].(string)
	code, err := identity.TOTP(key, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		return err.Error()
	}
	return code
}

// refused is the failed step's outcome.
func (s subject) enrolled() (session object, pending, factorID, refused string) {
	s.t.Helper()
	started, idToken, session := s.startEnrolment()
	if session == nil {
		return nil, "", "", started.outcome()
	}
	s.v2("mfaEnrollment:finalize", object{
		"idToken": idToken, "displayName": "app",
		"totpVerificationInfo": object{"sessionInfo": session["sessionInfo"], "verificationCode": totp(session, 0)},
	}).must()
	due := s.signIn(jane, secret).must()
	factors, _ := due.body["mfaInfo"].([]any)
	if len(factors) != 1 {
		return nil, "", "", fmt.Sprint(due.outcome(), " without its factor: ", due.body)
	}
	return session, due.text("mfaPendingCredential"), fmt.Sprint(factors[0].(object)["mfaEnrollmentId"]), ""
}

func (s subject) finish(pending, factorID, code string) reply {
	s.t.Helper()
	return s.v2("mfaSignIn:finalize", object{
		"mfaPendingCredential": pending, "mfaEnrollmentId": factorID, "totpVerificationInfo": object{"verificationCode": code},
	})
}

var factorBehaviours = []behaviour{
	{"factor: starting a TOTP enrolment", "200 finalizeEnrollmentTime,hashingAlgorithm,periodSec,sessionInfo,sharedSecretKey,verificationCodeLength", func(s subject) string {
		started, _, session := s.startEnrolment()
		if session == nil {
			return started.outcome()
		}
		return started.outcome() + " " + names(session)
	}},
	{"factor: a right password is asked for it", "200 displayName,email,kind,localId,mfaInfo,mfaPendingCredential,registered", func(s subject) string {
		if _, _, _, refused := s.enrolled(); refused != "" {
			return refused
		}
		return s.signIn(jane, secret).shape()
	}},
	{"factor: a wrong password is not", "400 INVALID_LOGIN_CREDENTIALS", func(s subject) string {
		if _, _, _, refused := s.enrolled(); refused != "" {
			return refused
		}
		return s.signIn(jane, "wrong-one").outcome()
	}},
	{"factor: the code signs in, and the token says so", "200 idToken,refreshToken totp", func(s subject) string {
		session, pending, factorID, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		r := s.finish(pending, factorID, totp(session, 0)).must()
		firebase, _ := s.claims(r.text("idToken"))["firebase"].(object)
		return fmt.Sprint(r.shape(), " ", firebase["sign_in_second_factor"])
	}},
	{"factor: a refresh keeps it", "totp", func(s subject) string {
		session, pending, factorID, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		r := s.refresh(s.finish(pending, factorID, totp(session, 0)).must().text("refreshToken")).must()
		firebase, _ := s.claims(r.text("id_token"))["firebase"].(object)
		return fmt.Sprint(firebase["sign_in_second_factor"])
	}},
	{"factor: a code is good once", "200, 400 INVALID_CODE", func(s subject) string {
		session, pending, factorID, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		code := totp(session, 0)
		return s.finish(pending, factorID, code).outcome() + ", " + s.finish(pending, factorID, code).outcome()
	}},
	{"factor: a wrong code", "400 INVALID_CODE", func(s subject) string {
		session, pending, factorID, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		return s.finish(pending, factorID, totp(session, 100)).outcome()
	}},
	{"factor: not a pending sign-in", "400 INVALID_PENDING_TOKEN", func(s subject) string {
		return s.finish("nonsense", "factor", "123456").outcome()
	}},
	{"factor: not one of the account's", "400 INVALID_MFA_ENROLLMENT_ID", func(s subject) string {
		session, pending, _, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		return s.finish(pending, "factor", totp(session, 0)).outcome()
	}},
	{"factor: a pending sign-in is no session", "400 INVALID_REFRESH_TOKEN", func(s subject) string {
		_, pending, _, refused := s.enrolled()
		if refused != "" {
			return refused
		}
		return s.refresh(pending).outcome()
	}},
}
