package conformance

// suite maps a file of the emulator's tests (firebase-tools, src/emulator/auth) to our behaviours.
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

func suiteBehaviours() []behaviour {
	var all []behaviour
	for _, suite := range suites {
		all = append(all, suite.behaviours...)
	}
	return all
}

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
