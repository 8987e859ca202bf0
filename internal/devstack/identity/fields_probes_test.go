package identity

// A message's first probe is valid.
func (f *field) probes() []probe {
	provider := object{
		"providerId": "apple.com", "rawId": "7", "federatedId": "f", "email": "at@apple.com", "displayName": "A", "photoUrl": "http://localhost/a.png",
		"phoneNumber": "+1", "screenName": "s",
	}
	scrypt := object{
		"users":         []object{{"localId": "new", "passwordHash": "AAAA"}},
		"hashAlgorithm": "SCRYPT", "signerKey": "AAAA", "saltSeparator": "Bw==", "rounds": 8, "memoryCost": 4,
	}
	return []probe{
		{"signUp", false, object{"email": "new@example.com", "password": "secret-1"}, object{
			"email": "other@example.com", "password": "secret-2", "displayName": "N", "idToken": f.idToken["none"],
		}},
		{"signUp", true, object{"email": "new@example.com"}, object{
			"localId": "new", "photoUrl": "http://localhost/n.png", "phoneNumber": "+15555550199", "emailVerified": true, "disabled": true,
			"targetProjectId": "another",
		}},
		{"signInWithPassword", false, object{"email": "jane@example.com", "password": "secret-1"}, object{
			"email": "bob@example.com", "password": "wrong-one",
		}},
		{"signInWithCustomToken", false, object{"token": customToken("jane")}, object{"token": customToken("bob")}},
		{"signInWithEmailLink", false, object{"email": "bob@example.com", "oobCode": f.mail[requestEmailSignIn]}, object{
			"email": "jane@example.com", "oobCode": "another", "idToken": f.idToken["jane"],
		}},
		{"signInWithIdp", false, object{"requestUri": "http://localhost", "postBody": fromGoogle("7")}, object{
			"requestUri": "nonsense", "postBody": fromGoogle("8"), "idToken": f.idToken["bob"], "autoCreate": false,
		}},
		{
			"signInWithIdp", false,
			object{"requestUri": "http://localhost", "postBody": fromGoogle("42"), "idToken": f.idToken["bob"]},
			object{"returnIdpCredential": true},
		},
		{"lookup", true, object{}, object{
			"localId": []string{"jane"}, "email": []string{"jane@example.com"}, "phoneNumber": []string{"+15555550100"},
			"initialEmail": []string{"first@example.com"}, "federatedUserId": []object{{"providerId": "google.com", "rawId": "42"}},
			"targetProjectId": "another",
		}},
		{"lookup", false, object{"idToken": f.idToken["jane"]}, object{"idToken": f.idToken["bob"]}},
		{
			"lookup.federatedUserId", true,
			object{"federatedUserId": []object{{"providerId": "google.com", "rawId": "42"}}},
			object{"providerId": "apple.com", "rawId": "43"},
		},
		{"update", true, object{"localId": "jane"}, object{
			"localId": "bob", "email": "new@example.com", "password": "secret-2", "displayName": "N", "photoUrl": "http://localhost/n.png",
			"phoneNumber": "+15555550199", "emailVerified": false, "disableUser": true, "customAttributes": `{"a":1}`, "validSince": "1",
			"createdAt": "1", "lastLoginAt": "1", "deleteAttribute": []string{"PHOTO_URL"}, "deleteProvider": []string{"google.com"},
			"linkProviderUserInfo": object{"providerId": "apple.com", "rawId": "7"}, "targetProjectId": "another", "idToken": f.idToken["bob"],
		}},
		{"update", false, object{"idToken": f.idToken["jane"]}, object{
			"oobCode": f.mail[requestVerifyEmail], "returnSecureToken": true, "validSince": "0", "mfa": object{},
		}},
		{"update", true, object{"localId": "carol"}, object{"mfa": object{}}},
		{"update.linkProviderUserInfo", true, object{"localId": "bob", "linkProviderUserInfo": object{"providerId": "google.com", "rawId": "1"}}, provider},
		{"update.mfa", true, object{"localId": "carol", "mfa": object{}}, object{
			"enrollments": []object{{"mfaEnrollmentId": f.factor, "totpInfo": object{}}},
		}},
		{
			"update.mfa.enrollments", true,
			object{"localId": "carol", "mfa": object{"enrollments": []object{{"mfaEnrollmentId": f.factor, "totpInfo": object{}}}}},
			object{"mfaEnrollmentId": "another", "displayName": "N", "enrolledAt": "2026-01-01T00:00:00Z", "totpInfo": absent{}},
		},
		{"delete", true, object{"localId": "jane"}, object{"localId": "bob", "targetProjectId": "another"}},
		{"delete", false, object{"idToken": f.idToken["jane"]}, object{"idToken": f.idToken["bob"]}},
		{"batchDelete", true, object{"localIds": []string{"jane"}}, object{"localIds": []string{"bob"}, "force": true}},
		{"batchCreate", true, object{"users": []object{{"localId": "new"}}}, object{"users": []object{{"localId": "other"}}}},
		{"batchCreate", true, object{"users": []object{{"localId": "jane"}}}, object{"allowOverwrite": true}},
		{
			"batchCreate", true,
			object{"users": []object{{"localId": "a", "email": "a@example.com"}, {"localId": "b", "email": "a@example.com"}}},
			object{"sanityCheck": true},
		},
		{"batchCreate", true, scrypt, object{
			"hashAlgorithm": "MD5", "signerKey": "BBBB", "saltSeparator": "CA==", "rounds": 7, "memoryCost": 5,
		}},
		{"batchCreate.users", true, object{"users": []object{{"localId": "new", "email": "new@example.com", "emailVerified": true}}}, object{
			"localId": "other", "email": "other@example.com", "initialEmail": "old@example.com", "emailVerified": false, "displayName": "N",
			"photoUrl": "http://localhost/n.png", "phoneNumber": "+15555550199", "passwordHash": "AAAA", "rawPassword": "secret-1",
			"customAttributes": `{"a":1}`, "disabled": true, "createdAt": "1", "lastLoginAt": "1", "providerUserInfo": []object{provider},
		}},
		{"batchCreate.users", true, scrypt, object{"salt": "AAAA"}},
		{
			"batchCreate.users.providerUserInfo", true,
			object{"users": []object{{"localId": "new", "providerUserInfo": []object{{"providerId": "google.com", "rawId": "1"}}}}},
			provider,
		},
		{"query", true, object{}, object{
			"expression": []object{{"userId": "jane"}}, "limit": "1", "offset": "1", "order": "DESC", "sortBy": "NAME", "returnUserInfo": false,
		}},
		{"query.expression", true, object{"expression": []object{{}}}, object{
			"email": "jane@example.com", "phoneNumber": "+15555550100", "userId": "jane",
		}},
		{"sendOobCode", false, object{"requestType": requestPasswordReset, "email": "jane@example.com"}, object{
			"requestType": requestEmailSignIn, "email": "bob@example.com", "continueUrl": "http://localhost/app",
		}},
		{"sendOobCode", true, object{"requestType": requestPasswordReset, "email": "jane@example.com"}, object{
			"returnOobLink": true, "targetProjectId": "another",
		}},
		{"sendOobCode", false, object{"requestType": requestChangeEmail, "idToken": f.idToken["jane"], "newEmail": "a@example.com"}, object{
			"idToken": f.idToken["bob"], "newEmail": "b@example.com",
		}},
		{"resetPassword", false, object{"oobCode": f.mail[requestPasswordReset]}, object{
			"oobCode": f.mail[requestVerifyEmail], "newPassword": "secret-2",
		}},
		{"mfaEnrollment:start", false, object{"idToken": f.idToken["jane"], "totpEnrollmentInfo": object{}}, object{
			"idToken": f.idToken["bob"], "totpEnrollmentInfo": absent{},
		}},
		{
			"mfaEnrollment:finalize", false,
			object{
				"idToken": f.idToken["jane"], "displayName": "app",
				"totpVerificationInfo": object{"sessionInfo": f.session, "verificationCode": f.totp["jane"]},
			},
			object{"idToken": f.idToken["bob"], "displayName": "phone", "totpVerificationInfo": absent{}},
		},
		{
			"mfaEnrollment:finalize.totpVerificationInfo", false,
			object{
				"idToken": f.idToken["jane"], "displayName": "app",
				"totpVerificationInfo": object{"sessionInfo": f.session, "verificationCode": f.totp["jane"]},
			},
			object{"sessionInfo": "nonsense", "verificationCode": "000000"},
		},
		{"mfaEnrollment:withdraw", false, object{"idToken": f.idToken["carol"], "mfaEnrollmentId": f.factor}, object{
			"idToken": f.idToken["bob"], "mfaEnrollmentId": "another",
		}},
		{"mfaSignIn:finalize", false, f.secondStep(), object{
			"mfaPendingCredential": "nonsense", "mfaEnrollmentId": "another", "totpVerificationInfo": absent{},
		}},
		{"mfaSignIn:finalize.totpVerificationInfo", false, f.secondStep(), object{"verificationCode": "000000"}},
		{"updateConfig", true, object{}, object{
			"signIn": object{"allowDuplicateEmails": true}, "emailPrivacyConfig": object{"enableImprovedEmailPrivacy": false},
		}},
		{"updateConfig.signIn", true, object{"signIn": object{}}, object{"allowDuplicateEmails": true}},
		{"updateConfig.emailPrivacyConfig", true, object{"emailPrivacyConfig": object{}}, object{"enableImprovedEmailPrivacy": false}},
		{"token", false, object{"grantType": "refresh_token", "refreshToken": f.refresh["jane"]}, object{
			"grantType": "password", "refreshToken": f.refresh["bob"],
		}},
	}
}

func (f *field) secondStep() object {
	return object{
		"mfaPendingCredential": f.pending, "mfaEnrollmentId": f.factor, "totpVerificationInfo": object{"verificationCode": f.totp["carol"]},
	}
}
