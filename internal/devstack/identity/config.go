package identity

// projectConfig is the part of the Admin v2 project configuration that is served.
type projectConfig struct {
	SignIn struct {
		AllowDuplicateEmails bool `json:"allowDuplicateEmails"`
	} `json:"signIn"`
	EmailPrivacy struct {
		EnableImprovedEmailPrivacy bool `json:"enableImprovedEmailPrivacy"`
	} `json:"emailPrivacyConfig"`
}

type configRequest struct {
	SignIn *struct {
		AllowDuplicateEmails *bool `json:"allowDuplicateEmails"`
	} `json:"signIn"`
	EmailPrivacy *struct {
		EnableImprovedEmailPrivacy *bool `json:"enableImprovedEmailPrivacy"`
	} `json:"emailPrivacyConfig"`
}

func (p *Provider) getProject(*call, *empty) (any, error) {
	return map[string]any{"projectId": projectNumber, "authorizedDomains": []string{"localhost"}}, nil
}

// getConfig shows an admin the configuration with the parameters of the password hash, as the Admin v2 API does.
func (p *Provider) getConfig(*call, *empty) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return map[string]any{
		"name":               "projects/" + p.opts.ProjectID + "/config",
		"signIn":             map[string]any{"allowDuplicateEmails": false, "hashConfig": p.hash},
		"emailPrivacyConfig": p.config.EmailPrivacy,
	}, nil
}

func (p *Provider) patchConfig(c *call, in *configRequest) (any, error) {
	if err := p.applyConfig(in); err != nil {
		return nil, err
	}
	return p.getConfig(c, nil)
}

func (p *Provider) getEmulatorConfig(*call, *empty) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config, nil
}

func (p *Provider) patchEmulatorConfig(c *call, in *configRequest) (any, error) {
	if err := p.applyConfig(in); err != nil {
		return nil, err
	}
	return p.getEmulatorConfig(c, nil)
}

func (p *Provider) applyConfig(in *configRequest) error {
	if in.SignIn != nil && in.SignIn.AllowDuplicateEmails != nil && *in.SignIn.AllowDuplicateEmails {
		return refuse("OPERATION_NOT_ALLOWED : Several accounts for one address are not part of the development provider.")
	}
	if in.EmailPrivacy != nil && in.EmailPrivacy.EnableImprovedEmailPrivacy != nil {
		p.SetEnumerationProtection(*in.EmailPrivacy.EnableImprovedEmailPrivacy)
	}
	return nil
}

// SetEnumerationProtection switches e-mail enumeration protection on or off.
func (p *Provider) SetEnumerationProtection(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config.EmailPrivacy.EnableImprovedEmailPrivacy = on
	p.changed()
}
