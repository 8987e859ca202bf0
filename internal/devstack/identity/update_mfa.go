package identity

import "time"

// mfaChange without enrollments removes all factors.
type mfaChange struct {
	Enrollments []factorChange `json:"enrollments"`
}

// factorChange keeps a factor. Admins cannot add one: its secret is the user's.
type factorChange struct {
	ID          string    `json:"mfaEnrollmentId"`
	DisplayName *string   `json:"displayName"`
	EnrolledAt  time.Time `json:"enrolledAt"`
	TOTP        *struct{} `json:"totpInfo"`
}

func (u *updating) applyFactors() error {
	if u.in.MFA == nil {
		return nil
	}
	var kept []factor
	named := map[string]bool{}
	for _, change := range u.in.MFA.Enrollments {
		index, known := u.user.factor(change.ID)
		switch {
		case change.ID == "":
			return refuse("INVALID_MFA_ENROLLMENT_ID : mfaEnrollmentId must be defined.")
		case named[change.ID]:
			return refuse("DUPLICATE_MFA_ENROLLMENT_ID")
		case !known:
			return refuse("MFA_ENROLLMENT_NOT_FOUND")
		case change.TOTP == nil:
			return refuse("INVALID_ARGUMENT : An enrollment must be of a kind.")
		}
		named[change.ID] = true
		factor := u.user.Factors[index]
		if change.DisplayName != nil {
			factor.DisplayName = *change.DisplayName
		}
		if !change.EnrolledAt.IsZero() {
			factor.EnrolledAt = change.EnrolledAt.UTC()
		}
		kept = append(kept, factor)
	}
	u.user.Factors = kept
	return nil
}
