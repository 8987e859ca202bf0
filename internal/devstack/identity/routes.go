package identity

import (
	"fmt"
	"net/http"
	"time"
)

// The hosts of the two services are the first segment of the path, as under the official emulator.
const (
	toolkit     = "/identitytoolkit.googleapis.com"
	secureToken = "/securetoken.googleapis.com"
	// CertificatePath is where the certificates are published, as under www.googleapis.com.
	CertificatePath = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
)

type empty struct{}

// routes is the frozen list of what is served.
func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	p.clientRoutes(mux)
	p.adminRoutes(mux)
	p.emulatorRoutes(mux)
	p.devRoutes(mux)
	mux.HandleFunc("GET "+CertificatePath, p.serveCertificates)
	mux.HandleFunc("GET /{$}", p.serveWelcome)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeError(w, errNotFound) })
	return mux
}

// clientRoutes take an API key, or an admin's credential, and no project in the path.
func (p *Provider) clientRoutes(mux *http.ServeMux) {
	v1 := "POST " + toolkit + "/v1/accounts:"
	mux.Handle(v1+"signUp", operation(p, client, p.signUp))
	mux.Handle(v1+"signInWithPassword", operation(p, client, p.signInWithPassword))
	mux.Handle(v1+"signInWithCustomToken", operation(p, client, p.signInWithCustomToken))
	mux.Handle(v1+"lookup", operation(p, client, p.lookup))
	mux.Handle(v1+"update", operation(p, client, p.update))
	mux.Handle(v1+"delete", operation(p, client, p.deleteAccount))
	mux.Handle(v1+"sendOobCode", operation(p, client, p.sendOobCode))
	mux.Handle(v1+"resetPassword", operation(p, client, p.resetPassword))
	second := "POST " + toolkit + "/v2/accounts/"
	mux.Handle(second+"mfaEnrollment:start", operation(p, client, p.startEnrollment))
	mux.Handle(second+"mfaEnrollment:finalize", operation(p, client, p.finalizeEnrollment))
	mux.Handle(second+"mfaSignIn:finalize", operation(p, client, p.finalizeSignIn))
	mux.Handle("GET "+toolkit+"/v1/projects", operation(p, client, p.getProject))
	mux.Handle("POST "+secureToken+"/v1/token", operation(p, client, p.grant))
}

// adminRoutes are the Admin SDK's.
func (p *Provider) adminRoutes(mux *http.ServeMux) {
	base := toolkit + "/v1/projects/{project}/accounts"
	mux.Handle("POST "+base, operation(p, projectPath, p.signUp))
	mux.Handle("POST "+base+":lookup", operation(p, projectPath, p.lookup))
	mux.Handle("POST "+base+":update", operation(p, projectPath, p.update))
	mux.Handle("POST "+base+":delete", operation(p, projectPath, p.deleteAccount))
	mux.Handle("POST "+base+":batchCreate", operation(p, projectPath, p.batchCreate))
	mux.Handle("POST "+base+":batchDelete", operation(p, projectPath, p.batchDelete))
	mux.Handle("GET "+base+":batchGet", operation(p, projectPath, p.batchGet))
	mux.Handle("POST "+base+":sendOobCode", operation(p, projectPath, p.sendOobCode))
	mux.Handle("GET "+toolkit+"/v2/projects/{project}/config", operation(p, projectPath, p.getConfig))
	mux.Handle("PATCH "+toolkit+"/v2/projects/{project}/config", operation(p, projectPath, p.patchConfig))
}

// emulatorRoutes are the emulator's own, which need no credential.
func (p *Provider) emulatorRoutes(mux *http.ServeMux) {
	base := "/emulator/v1/projects/{project}"
	mux.Handle("DELETE "+base+"/accounts", operation(p, public, p.clearAccounts))
	mux.Handle("GET "+base+"/oobCodes", operation(p, public, p.listCodes))
	mux.Handle("GET "+base+"/config", operation(p, public, p.getEmulatorConfig))
	mux.Handle("PATCH "+base+"/config", operation(p, public, p.patchEmulatorConfig))
	mux.HandleFunc("GET /emulator/action", p.serveAction)
}

// devRoutes are for tests in other languages than Go and for a curious developer.
func (p *Provider) devRoutes(mux *http.ServeMux) {
	mux.Handle("GET /dev/faults", operation(p, public, p.listFaults))
	mux.Handle("POST /dev/faults", operation(p, public, p.addFaults))
	mux.Handle("DELETE /dev/faults", operation(p, public, p.clearFaults))
	mux.Handle("POST /dev/keys/rotate", operation(p, public, p.rotateOnDemand))
	mux.Handle("PUT /dev/config", operation(p, public, p.showConfigOnDemand))
	mux.Handle("POST /dev/signIn", operation(p, public, p.signInOnDemand))
}

func (p *Provider) serveCertificates(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control",
		fmt.Sprintf("public, max-age=%d, must-revalidate, no-transform", int(p.opts.CertMaxAge/time.Second)))
	w.Header().Set("Expires", p.now().Add(p.opts.CertMaxAge).Format(http.TimeFormat))
	writeJSON(w, http.StatusOK, p.Certificates())
}

// serveWelcome says who answers, in the shape by which tools recognise a ready emulator.
func (p *Provider) serveWelcome(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"authEmulator": map[string]any{"ready": true, "provider": "auth-v2-service", "projectId": p.opts.ProjectID},
	})
}

func (p *Provider) rotateOnDemand(*call, *empty) (any, error) {
	if err := p.RotateKeys(); err != nil {
		return nil, err
	}
	return map[string]string{"kid": p.KeyID()}, nil
}
