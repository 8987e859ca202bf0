package conformance

// suite is a file of the official emulator's own tests (firebase-tools, src/emulator/auth) and the behaviours after it: what
// it asks for in the part of Firebase that is served here, in cases of our own. Each runs against both sides.
type suite struct {
	file       string
	behaviours []behaviour
}

var suites = []suite{
	{"signUp", signUpSuite},
	{"emailLink", emailLinkSuite},
	{"idp", idpSuite},
	{"setAccountInfo", setAccountInfoSuite},
	{"oob", oobSuite},
	{"mfa", mfaSuite},
	{"batch", batchSuite},
	{"misc", miscSuite},
	{"rest", restSuite},
}

// suiteBehaviours are those of every suite.
func suiteBehaviours() []behaviour {
	var all []behaviour
	for _, suite := range suites {
		all = append(all, suite.behaviours...)
	}
	return all
}

// suiteOf names the file that a behaviour is after; empty for the others.
func suiteOf(name string) string {
	for _, suite := range suites {
		for _, b := range suite.behaviours {
			if b.name == name {
				return suite.file
			}
		}
	}
	return ""
}
