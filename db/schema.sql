
CREATE SCHEMA auth;

CREATE FUNCTION auth.canonical_email(email text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower((btrim(email, ' 	
'::text) COLLATE "C"));

COMMENT ON FUNCTION auth.canonical_email(email text) IS 'The form of an e-mail by which people are looked up: ASCII white space trimmed, ASCII letters in lower case';

CREATE FUNCTION auth.notify_user_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    told CONSTANT integer := coalesce(nullif(current_setting('authd.changes_told', true), ''), '0')::integer;
    message text;
BEGIN
    IF told > 1000 THEN
        RETURN NULL;
    ELSIF told = 1000 OR TG_OP = 'TRUNCATE' THEN
        message := 'everybody';
    ELSIF TG_TABLE_NAME = 'users' THEN
        message := OLD.id;
    ELSE
        message := OLD.user_id;
    END IF;
    PERFORM set_config('authd.changes_told', (told + 1)::text, true);
    PERFORM pg_notify('auth_users_changed', message);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION auth.notify_user_changed() IS 'Tells the instances of authd whose row has changed, so that they forget what they know';

CREATE TABLE auth.audit_events (
    id bigint NOT NULL,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    user_id uuid,
    request_id text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE auth.audit_events IS 'Append-only record of what was done to accounts, and by whom';

COMMENT ON COLUMN auth.audit_events.actor IS 'user:<id>, token:<firebase uid> before there is a row, cli:<name>, or system';

ALTER TABLE auth.audit_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME auth.audit_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth.federation_archive (
    relation text NOT NULL,
    key text NOT NULL,
    facts jsonb NOT NULL,
    archived_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE auth.federation_archive IS 'What steps down took out of other tables, until a step up puts it back: one row of theirs a row';

COMMENT ON COLUMN auth.federation_archive.facts IS 'The columns that went, by name';

CREATE TABLE auth.legacy_sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seed bytea NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    rotated_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    user_agent text
);

COMMENT ON TABLE auth.legacy_sessions IS 'Sign-ins that hold the legacy pair of tokens: a family of refresh tokens each';

COMMENT ON COLUMN auth.legacy_sessions.began_at IS 'When the person signed in: auth_time of all its tokens';

COMMENT ON COLUMN auth.legacy_sessions.seed IS 'Makes the ids of the refresh tokens unguessable to who knows the secret alone';

COMMENT ON COLUMN auth.legacy_sessions.generation IS 'How often the refresh token was exchanged';

COMMENT ON COLUMN auth.legacy_sessions.rotated_at IS 'When the refresh token of this generation was issued';

CREATE TABLE auth.move_claims (
    user_id uuid NOT NULL,
    claimed_by text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    failed_at timestamp with time zone,
    failure text
);

COMMENT ON TABLE auth.move_claims IS 'Moves of users to Firebase that are under way (federation_status syncing) or were stopped by something';

COMMENT ON COLUMN auth.move_claims.failure IS 'Why the move did not succeed: a code and no personal data';

CREATE TABLE auth.rollout (
    only_row boolean DEFAULT true NOT NULL,
    users_buckets integer DEFAULT 0 NOT NULL,
    traffic_buckets integer DEFAULT 0 NOT NULL,
    new_users text DEFAULT 'firebase'::text NOT NULL,
    allow uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    deny uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    below_full_traffic boolean DEFAULT false NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by text DEFAULT 'system'::text NOT NULL,
    CONSTRAINT rollout_new_users_check CHECK ((new_users = ANY (ARRAY['firebase'::text, 'local'::text]))),
    CONSTRAINT rollout_only_row_check CHECK (only_row),
    CONSTRAINT rollout_traffic_buckets_check CHECK (((traffic_buckets >= 0) AND (traffic_buckets <= 10000))),
    CONSTRAINT rollout_users_buckets_check CHECK (((users_buckets >= 0) AND (users_buckets <= 10000)))
);

COMMENT ON TABLE auth.rollout IS 'The rollout of Firebase: one row, read at each sign-in';

COMMENT ON COLUMN auth.rollout.users_buckets IS 'Users whose bucket (0 to 9,999) is below this are moved when they sign in';

COMMENT ON COLUMN auth.rollout.traffic_buckets IS 'What of the platform''s auth traffic its gateway sends here, in ten-thousandths';

COMMENT ON COLUMN auth.rollout.below_full_traffic IS 'An operator insists on moving users while other traffic goes to the old service';

CREATE TABLE auth.schema_migrations (
    version character varying NOT NULL
);

CREATE TABLE auth.set_aside_passwords (
    user_id uuid NOT NULL,
    password_hash character varying(255) NOT NULL,
    reason text NOT NULL,
    set_aside_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE auth.set_aside_passwords IS 'Password hashes taken out of use by linking; never read by a sign-in';

CREATE TABLE auth.tombstones (
    user_id uuid NOT NULL,
    firebase_uid character varying(128),
    deleted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE auth.tombstones IS 'Deleted accounts: a token whose session began before deleted_at is revoked';

CREATE TABLE auth.users (
    id uuid DEFAULT public.uuid_generate_v4() NOT NULL,
    username character varying(100),
    email character varying(255) NOT NULL,
    password_hash character varying(255),
    user_type character varying(20) DEFAULT 'user'::character varying,
    is_active boolean DEFAULT true,
    token_balance integer DEFAULT 0,
    last_login timestamp without time zone,
    created_at timestamp without time zone DEFAULT now(),
    updated_at timestamp without time zone DEFAULT now(),
    firebase_uid character varying(128),
    auth_provider character varying(20) DEFAULT 'local'::character varying,
    provider_data jsonb,
    last_firebase_sync timestamp without time zone,
    federation_status character varying(20) DEFAULT 'active'::character varying,
    tokens_valid_after timestamp with time zone,
    legacy_tokens_valid_after timestamp with time zone,
    password_set_at timestamp with time zone,
    CONSTRAINT chk_auth_provider CHECK (((auth_provider)::text = ANY ((ARRAY['local'::character varying, 'firebase'::character varying, 'hybrid'::character varying])::text[]))),
    CONSTRAINT chk_federation_status CHECK (((federation_status)::text = ANY ((ARRAY['active'::character varying, 'syncing'::character varying, 'failed'::character varying, 'disabled'::character varying])::text[]))),
    CONSTRAINT chk_firebase_uid_format CHECK (((firebase_uid IS NULL) OR (length((firebase_uid)::text) >= 20))),
    CONSTRAINT chk_password_hash_required CHECK (((((auth_provider)::text = 'local'::text) AND (password_hash IS NOT NULL)) OR ((auth_provider)::text <> 'local'::text)))
);

COMMENT ON COLUMN auth.users.password_hash IS 'Password hash (bcrypt) - Required for local auth, NULL for Firebase users';

COMMENT ON COLUMN auth.users.firebase_uid IS 'Firebase Authentication UID - Links to Firebase Auth user';

COMMENT ON COLUMN auth.users.auth_provider IS 'Authentication provider: local (old), firebase (new), hybrid (both)';

COMMENT ON COLUMN auth.users.provider_data IS 'Additional provider-specific data (JSON)';

COMMENT ON COLUMN auth.users.last_firebase_sync IS 'Last successful sync with Firebase Auth';

COMMENT ON COLUMN auth.users.federation_status IS 'Federation status: active, syncing, failed, disabled';

COMMENT ON COLUMN auth.users.tokens_valid_after IS 'Sessions of either kind that began before this instant are revoked (logout, password change, deactivation)';

COMMENT ON COLUMN auth.users.legacy_tokens_valid_after IS 'Legacy sessions that began before this instant are revoked (linking an address that was never verified)';

COMMENT ON COLUMN auth.users.password_set_at IS 'When password_hash was set through this service; NULL for older ones';

CREATE TABLE auth.verification_keys (
    source text NOT NULL,
    keys jsonb NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    fresh_until timestamp with time zone NOT NULL
);

COMMENT ON TABLE auth.verification_keys IS 'Last good public keys by source URL; used for at most 24 hours after fetched_at';

ALTER TABLE ONLY auth.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.federation_archive
    ADD CONSTRAINT federation_archive_pkey PRIMARY KEY (relation, key);

ALTER TABLE ONLY auth.legacy_sessions
    ADD CONSTRAINT legacy_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.move_claims
    ADD CONSTRAINT move_claims_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY auth.rollout
    ADD CONSTRAINT rollout_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY auth.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY auth.set_aside_passwords
    ADD CONSTRAINT set_aside_passwords_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY auth.tombstones
    ADD CONSTRAINT tombstones_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_username_key UNIQUE (username);

ALTER TABLE ONLY auth.verification_keys
    ADD CONSTRAINT verification_keys_pkey PRIMARY KEY (source);

CREATE INDEX idx_audit_events_user_id ON auth.audit_events USING btree (user_id, id);

CREATE INDEX idx_legacy_sessions_user_id ON auth.legacy_sessions USING btree (user_id);

CREATE INDEX idx_tombstones_firebase_uid ON auth.tombstones USING btree (firebase_uid, deleted_at);

CREATE INDEX idx_users_auth_provider ON auth.users USING btree (auth_provider);

CREATE UNIQUE INDEX idx_users_canonical_email ON auth.users USING btree (auth.canonical_email((email)::text));

CREATE INDEX idx_users_federation_status ON auth.users USING btree (federation_status);

CREATE UNIQUE INDEX idx_users_firebase_uid ON auth.users USING btree (firebase_uid);

CREATE INDEX idx_users_is_active ON auth.users USING btree (is_active);

CREATE TRIGGER tell_of_change AFTER UPDATE ON auth.users FOR EACH ROW WHEN (((old.is_active IS DISTINCT FROM new.is_active) OR ((old.federation_status)::text IS DISTINCT FROM (new.federation_status)::text) OR (old.tokens_valid_after IS DISTINCT FROM new.tokens_valid_after) OR (old.legacy_tokens_valid_after IS DISTINCT FROM new.legacy_tokens_valid_after) OR ((old.user_type)::text IS DISTINCT FROM (new.user_type)::text) OR ((old.firebase_uid)::text IS DISTINCT FROM (new.firebase_uid)::text) OR (old.id IS DISTINCT FROM new.id))) EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_deletion AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_end AFTER UPDATE ON auth.legacy_sessions FOR EACH ROW WHEN ((old.ended_at IS DISTINCT FROM new.ended_at)) EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_truncation AFTER TRUNCATE ON auth.users FOR EACH STATEMENT EXECUTE FUNCTION auth.notify_user_changed();

ALTER TABLE ONLY auth.legacy_sessions
    ADD CONSTRAINT legacy_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.move_claims
    ADD CONSTRAINT move_claims_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.set_aside_passwords
    ADD CONSTRAINT set_aside_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

