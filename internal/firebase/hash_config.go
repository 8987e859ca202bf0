package firebase

import (
	"context"

	mfa "google.golang.org/api/identitytoolkit/v2"

	"auth-v2-service/internal/password"
)

const algorithmScrypt = "SCRYPT"

// HashConfig reads the parameters of the project, or of the tenant: Google shows those of new passwords only. It needs firebaseauth.configs.getHashConfig; without it:
// ErrHashConfigHidden.
func (c *Client) HashConfig(ctx context.Context) (password.ScryptConfig, error) {
	var found password.ScryptConfig
	err := c.call(ctx, opHashConfig, twice, func(ctx context.Context) error {
		service, err := mfa.NewService(ctx, toolkitOptions(c.authorized)...)
		if err != nil {
			return err
		}
		shown, err := c.hashConfig(ctx, service)
		switch {
		case err != nil:
			return err
		case shown == nil || shown.SignerKey == "":
			return ErrHashConfigHidden
		}
		found, err = toHashConfig(shown)
		return err
	})
	return found, err
}

func (c *Client) hashConfig(ctx context.Context, service *mfa.Service) (*mfa.GoogleCloudIdentitytoolkitAdminV2HashConfig, error) {
	if c.tenant != "" {
		tenant, err := service.Projects.Tenants.Get("projects/" + c.project + "/tenants/" + c.tenant).Context(ctx).Do()
		if err != nil {
			return nil, err
		}
		return tenant.HashConfig, nil
	}
	config, err := service.Projects.GetConfig("projects/" + c.project + "/config").Context(ctx).Do()
	if err != nil || config.SignIn == nil {
		return nil, err
	}
	return config.SignIn.HashConfig, nil
}

func toHashConfig(shown *mfa.GoogleCloudIdentitytoolkitAdminV2HashConfig) (password.ScryptConfig, error) {
	key, keyErr := password.DecodeBase64(shown.SignerKey)
	separator, separatorErr := password.DecodeBase64(shown.SaltSeparator)
	if keyErr != nil || separatorErr != nil || shown.Algorithm != algorithmScrypt {
		return password.ScryptConfig{}, errNotUnderstood
	}
	return password.ScryptConfig{
		SignerKey: key, SaltSeparator: separator, Rounds: int(shown.Rounds), MemoryCost: int(shown.MemoryCost),
	}, nil
}
