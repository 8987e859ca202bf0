package identity

import "errors"

func (p *Provider) checkImported(in *batchCreateRequest, user importedUser) error {
	switch {
	case user.LocalID == "":
		return errors.New("localId is missing")
	case len(user.LocalID) > maxLocalIDLength:
		return errors.New("localId is too long")
	case user.TenantID != "":
		return errors.New(requestFields["batchCreate.users"]["tenantId"].row)
	}
	if err := checkImportedClaims(user.CustomAttributes); err != nil {
		return err
	}
	if err := p.checkImportedProviders(user); err != nil {
		return err
	}
	if user.PhoneNumber != "" && !validPhone(user.PhoneNumber) {
		return errors.New("phone number format is invalid")
	}
	if other, taken := p.users.phone(user.PhoneNumber); taken && other.LocalID != user.LocalID {
		return errors.New("phone number exists in other account in database")
	}
	if err := p.checkImportedEmail(user); err != nil {
		return err
	}
	if err := checkImportedFactors(user); err != nil {
		return err
	}
	if _, exists := p.users.get(user.LocalID); exists && !in.AllowOverwrite {
		return errors.New("localId belongs to an existing account - can not overwrite.") //nolint:staticcheck // Google's text
	}
	return nil
}

func checkImportedFactors(user importedUser) error {
	switch {
	case len(user.MFAInfo) == 0:
		return nil
	case user.Email == "":
		return errors.New("Second factor account requires email to be presented.") //nolint:staticcheck // Google's text
	case !user.EmailVerified:
		return errors.New("Second factor account requires email to be verified.") //nolint:staticcheck // Google's text
	}
	return errors.New(requestFields["batchCreate.users"]["mfaInfo"].row)
}

func checkImportedClaims(serialised string) error {
	if serialised == "" {
		return nil
	}
	err := checkClaims(serialised)
	switch {
	case err == nil:
		return nil
	case err.message == "INVALID_CLAIMS":
		return errors.New("Invalid custom claims provided.") //nolint:staticcheck // Google's text
	case err.message == "CLAIMS_TOO_LARGE":
		return errors.New("Custom claims provided are too large.") //nolint:staticcheck // Google's text
	default:
		return errors.New("Custom claims provided include a reserved claim.") //nolint:staticcheck // Google's text
	}
}

func (p *Provider) checkImportedProviders(user importedUser) error {
	for _, linked := range user.ProviderUserInfo {
		if linked.ProviderID == ProviderPassword || linked.ProviderID == ProviderPhone {
			continue
		}
		if linked.FederatedID != "" && (linked.ProviderID == "" || linked.RawID == "") {
			return errors.New("federatedId alone is not part of the development provider: give providerId and rawId")
		}
		if linked.ProviderID == "" || linked.RawID == "" {
			return errors.New("federatedId or (providerId & rawId) is required")
		}
		if other, taken := p.users.federated(linked.ProviderID, linked.RawID); taken && other.LocalID != user.LocalID {
			return errors.New("raw id exists in other account in database")
		}
	}
	return nil
}

func (p *Provider) checkImportedEmail(user importedUser) error {
	if user.Email == "" {
		return nil
	}
	if !validEmail(user.Email) {
		return errors.New("email is invalid")
	}
	if other, taken := p.users.email(user.Email); taken && other.LocalID != user.LocalID {
		return errors.New("email exists in other account in database")
	}
	return nil
}
