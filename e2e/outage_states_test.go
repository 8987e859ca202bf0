package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// A temporary state of PostgreSQL is 503 with Retry-After; every other is 500. No refusal ends the session.
func TestOutage_EachStateOfTheDatabase(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	execute(t, s.Stack, `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE state text := (SELECT answer FROM public.answers);
		BEGIN
			IF state <> '' THEN RAISE EXCEPTION 'refused by the test' USING ERRCODE = state; END IF;
			RETURN NEW;
		END $$;
		CREATE TABLE public.answers (answer text); INSERT INTO public.answers VALUES (''); GRANT SELECT ON public.answers TO PUBLIC;
		CREATE TRIGGER refuse BEFORE UPDATE OF tokens_valid_after ON auth.users FOR EACH ROW EXECUTE FUNCTION public.refuse()`)
	say := func(state string) { execute(t, s.Stack, "UPDATE public.answers SET answer = $1", state) }
	logOut := func() timed {
		return askTimed(t, s, http.MethodPost, "/v1/auth/logout", "", "Authorization", "Bearer "+person.IDToken)
	}
	for _, state := range []string{
		"08006", "25001", "25006", "25P03", "28000", "40001", "40003", "40P01", "53100", "53200", "53300", "53400",
		"54000", "55000", "55006", "55P03", "57014", "57P01", "57P03", "58000", "58030", "58P01", "72000", "F0000",
	} {
		say(state)
		logOut().expectOutage(t, fmt.Sprintf("SQLSTATE %s at a logout", state), handlerLimit)
	}
	for _, state := range []string{"0A000", "22012", "25P01", "40002", "42501", "42P01", "54001", "55P02", "P0001", "XX000", "XX001"} {
		say(state)
		r := logOut()
		r.expect(t, fmt.Sprintf("SQLSTATE %s at a logout", state), http.StatusInternalServerError, "internal")
		if r.header.Get("Retry-After") != "" {
			t.Errorf("SQLSTATE %s: a fault of ours says when to come back", state)
		}
	}
	say("")
	verify(t, s, person.IDToken).expect(t, "after every refusal", http.StatusOK, "")
	logOut().expect(t, "with the database well", http.StatusOK, "")
	expectRefusal(t, s, "after the logout", person.IDToken, http.StatusUnauthorized, "token_revoked")
}
