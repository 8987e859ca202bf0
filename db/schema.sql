
CREATE SCHEMA auth;

CREATE TYPE auth.river_job_state AS ENUM (
    'available',
    'cancelled',
    'completed',
    'discarded',
    'pending',
    'retryable',
    'running',
    'scheduled'
);

CREATE FUNCTION auth.bcrypt_cost(hash text) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (hash ~ '^\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$'::text) THEN (substr(hash, (length(hash) - 55), 2))::smallint ELSE NULL::smallint END;

COMMENT ON FUNCTION auth.bcrypt_cost(hash text) IS 'The cost of a bcrypt hash of any dialect; NULL for any other text';

CREATE FUNCTION auth.canonical_email(email text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower((btrim(email, ' 	
'::text) COLLATE "C"));

COMMENT ON FUNCTION auth.canonical_email(email text) IS 'The form of an e-mail by which people are looked up: ASCII white space trimmed, ASCII letters in lower case';

CREATE FUNCTION auth.end_oldest_sessions(person uuid, most integer, newest uuid) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DECLARE
        since timestamptz;
        ended uuid[];
    BEGIN
        -- One session of a person begins at a time: what the lock waits for is seen by the next statement.
        SELECT greatest(u.tokens_valid_after, u.legacy_tokens_valid_after) INTO since
        FROM auth.users AS u WHERE u.id = person FOR NO KEY UPDATE;
        WITH surplus AS (
            SELECT s.id FROM auth.legacy_sessions AS s
            WHERE
                s.user_id = person AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
                AND coalesce(s.began_at >= since, true)
            ORDER BY s.id = newest DESC, s.rotated_at DESC, s.id
            OFFSET most
        ),
        over AS (
            UPDATE auth.legacy_sessions AS s SET ended_at = clock_timestamp()
            WHERE s.id IN (SELECT surplus.id FROM surplus)
            RETURNING s.id
        )
        SELECT coalesce(array_agg(over.id), '{}') INTO ended FROM over;
        RETURN ended;
    END
    $$;

COMMENT ON FUNCTION auth.end_oldest_sessions(person uuid, most integer, newest uuid) IS 'Ends the live sessions of a person beyond a number, those used longest ago first and never the newest, and gives their ids';

CREATE FUNCTION auth.enter_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    person uuid;
    before integer;
    after integer;
    gone boolean;
    entered integer;
    announced jsonb;
    believed boolean;
    database_role CONSTANT text := 'database:' || session_user;
BEGIN
    FOR person, before, after, gone IN -- two where the id itself has changed
        SELECT coalesce(o.id, n.id), coalesce(o.balance, 0), coalesce(n.balance, 0), n.id IS NULL
        FROM (SELECT OLD.id AS id, OLD.token_balance AS balance) AS o
        FULL JOIN (SELECT NEW.id AS id, NEW.token_balance AS balance) AS n ON n.id = o.id
        WHERE coalesce(o.id, n.id) IS NOT NULL
    LOOP
        SELECT e.balance_after INTO entered FROM auth.ledger_entries AS e WHERE e.user_id = person ORDER BY e.id DESC LIMIT 1;
        IF coalesce(entered, 0) <> before THEN
            INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller)
            VALUES (person, before::bigint - coalesce(entered, 0), before, CASE WHEN entered IS NULL THEN 'opening' ELSE 'external' END, database_role);
        END IF;
        CONTINUE WHEN after = before;
        announced := NULL;
        believed := NOT EXISTS (
            SELECT
            FROM unnest(ARRAY[session_user::text, nullif(current_setting('role'), 'none')]) AS writer
            WHERE writer IS NOT NULL
                AND NOT coalesce(pg_has_role(to_regrole(quote_ident(writer)), to_regrole('auth_serving'), 'MEMBER'), false)
                AND NOT coalesce(pg_has_role(to_regrole(quote_ident(writer)), to_regrole(quote_ident(current_user)), 'MEMBER'), false));
        IF believed THEN
            announced := nullif(current_setting('auth.ledger_entry', true), '');
        END IF;
        IF (announced ->> 'user_id')::uuid = person AND (announced ->> 'amount')::bigint = after::bigint - before THEN
            INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller, reason, idempotency_key)
            VALUES (person, after::bigint - before, after, 'change', announced ->> 'caller', announced ->> 'reason',
                announced ->> 'idempotency_key');
            PERFORM set_config('auth.ledger_entry', '', true);
        ELSE
            INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller)
            VALUES (person, after::bigint - before, after, CASE WHEN gone THEN 'closing' ELSE 'external' END, database_role);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION auth.notify_user_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    said CONSTANT text := current_setting('authd.changes_told', true);
    told CONSTANT integer := CASE WHEN said ~ '^[0-9]{1,4}$' THEN least(said::integer, 1000) ELSE 0 END;
    message text;
BEGIN
    IF told = 1000 OR TG_OP = 'TRUNCATE' THEN
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
$_$;

COMMENT ON FUNCTION auth.notify_user_changed() IS 'Tells the instances of authd whose row has changed, so that they forget what they know';

CREATE FUNCTION auth.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION auth.river_job_state_in_bitmask(bitmask bit, state auth.river_job_state) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

CREATE TABLE auth.api_keys (
    id text NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text,
    CONSTRAINT api_keys_revoked_check CHECK (((revoked_at IS NULL) = (revoked_by IS NULL))),
    CONSTRAINT api_keys_scope_check CHECK ((scope = ANY (ARRAY['admin'::text, 'balance'::text, 'events'::text])))
);

COMMENT ON TABLE auth.api_keys IS 'Keys that services and scripts send in X-API-Key';

COMMENT ON COLUMN auth.api_keys.id IS 'The public part of the key: for lists, logs and revoking';

COMMENT ON COLUMN auth.api_keys.hash IS 'SHA-256 of the secret part';

COMMENT ON COLUMN auth.api_keys.last_used_at IS 'Moves once an hour';

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

COMMENT ON COLUMN auth.audit_events.actor IS 'user:<id>, token:<firebase uid> before there is a row, key:<id> of an API key, cli:<name>, anonymous, or system';

ALTER TABLE auth.audit_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME auth.audit_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth.bulk_run_users (
    run_id uuid NOT NULL,
    user_id uuid NOT NULL,
    outcome text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT bulk_run_users_outcome_check CHECK ((outcome = ANY (ARRAY['pending'::text, 'moved'::text, 'skipped'::text, 'failed'::text])))
);

COMMENT ON TABLE auth.bulk_run_users IS 'What became of each user that a run has worked on';

COMMENT ON COLUMN auth.bulk_run_users.code IS 'How the user moved, or why not: a code and no personal data';

CREATE TABLE auth.bulk_runs (
    id uuid NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    reason text,
    project_id text NOT NULL,
    tenant text NOT NULL,
    selection text NOT NULL,
    buckets integer DEFAULT 0 NOT NULL,
    ids_digest bytea,
    rate integer DEFAULT 0 NOT NULL,
    parallel integer NOT NULL,
    max_errors integer NOT NULL,
    started_by text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    after_id uuid,
    page_token text DEFAULT ''::text NOT NULL,
    moved bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    pace double precision DEFAULT 0 NOT NULL,
    throttled_at timestamp with time zone,
    canary_at timestamp with time zone,
    canary_failure text,
    lease_by uuid,
    lease_until timestamp with time zone,
    CONSTRAINT bulk_runs_buckets_check CHECK (((buckets >= 0) AND (buckets <= 10000))),
    CONSTRAINT bulk_runs_kind_check CHECK ((kind = ANY (ARRAY['move'::text, 'return'::text, 'purge'::text]))),
    CONSTRAINT bulk_runs_max_errors_check CHECK ((max_errors > 0)),
    CONSTRAINT bulk_runs_parallel_check CHECK ((parallel > 0)),
    CONSTRAINT bulk_runs_rate_check CHECK ((rate >= 0)),
    CONSTRAINT bulk_runs_selection_check CHECK ((selection = ANY (ARRAY['all'::text, 'percent'::text, 'cohort'::text, 'ids'::text]))),
    CONSTRAINT bulk_runs_state_check CHECK ((state = ANY (ARRAY['running'::text, 'paused'::text, 'stopped'::text, 'done'::text])))
);

COMMENT ON TABLE auth.bulk_runs IS 'Bulk operations on users, one row a run';

COMMENT ON COLUMN auth.bulk_runs.reason IS 'Why the run is paused or stopped: a code';

COMMENT ON COLUMN auth.bulk_runs.buckets IS 'The share of users of a run by percent, in buckets of the rollout';

COMMENT ON COLUMN auth.bulk_runs.ids_digest IS 'SHA-256 of the sorted ids of a run by ids';

COMMENT ON COLUMN auth.bulk_runs.rate IS 'Users a second at most; 0: as many as Firebase takes';

COMMENT ON COLUMN auth.bulk_runs.max_errors IS 'More failures than these among the last 1,000 users pause the run';

COMMENT ON COLUMN auth.bulk_runs.after_id IS 'All selected users up to this id have an outcome';

COMMENT ON COLUMN auth.bulk_runs.page_token IS 'The page of Firebase''s export that a return goes on with; empty: the first';

COMMENT ON COLUMN auth.bulk_runs.pace IS 'Users a second that the run allows itself since Firebase refused more; 0: no limit of its own';

COMMENT ON COLUMN auth.bulk_runs.lease_by IS 'The instance or command that carries the run until lease_until';

CREATE TABLE auth.federation_archive (
    relation text NOT NULL,
    key text NOT NULL,
    facts jsonb NOT NULL,
    archived_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE auth.federation_archive IS 'What steps down took out of other tables, until a step up puts it back: one row of theirs a row';

COMMENT ON COLUMN auth.federation_archive.facts IS 'The columns that went, by name';

CREATE TABLE auth.firebase_hash_configs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    project text NOT NULL,
    version integer NOT NULL,
    algorithm text NOT NULL,
    signer_key bytea NOT NULL,
    salt_separator bytea NOT NULL,
    rounds integer NOT NULL,
    memory_cost integer NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT firebase_hash_configs_algorithm_check CHECK ((algorithm = 'SCRYPT'::text)),
    CONSTRAINT firebase_hash_configs_memory_cost_check CHECK (((memory_cost >= 1) AND (memory_cost <= 14))),
    CONSTRAINT firebase_hash_configs_rounds_check CHECK (((rounds >= 1) AND (rounds <= 8))),
    CONSTRAINT firebase_hash_configs_salt_separator_check CHECK ((length(salt_separator) <= 64)),
    CONSTRAINT firebase_hash_configs_signer_key_check CHECK (((length(signer_key) >= 16) AND (length(signer_key) <= 256)))
);

COMMENT ON TABLE auth.firebase_hash_configs IS 'Parameters of the password hashes that Firebase has exported';

COMMENT ON COLUMN auth.firebase_hash_configs.project IS 'The Firebase project that exported the hashes';

COMMENT ON COLUMN auth.firebase_hash_configs.version IS 'Firebase''s version of these parameters';

COMMENT ON COLUMN auth.firebase_hash_configs.signer_key IS 'A secret: never in a log, an audit event or an answer';

CREATE TABLE auth.firebase_intents (
    id uuid NOT NULL,
    kind text NOT NULL,
    user_id uuid NOT NULL,
    firebase_uid text NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    password_at timestamp with time zone,
    change jsonb,
    actor text NOT NULL,
    request_id text
);

COMMENT ON TABLE auth.firebase_intents IS 'Changes at Firebase whose half in this database is still to be made';

COMMENT ON COLUMN auth.firebase_intents.user_id IS 'The row that the change is about, which may be deleted by then';

COMMENT ON COLUMN auth.firebase_intents.password_at IS 'When the password was last set before the change, by the clock of the side that holds it; NULL: never';

COMMENT ON COLUMN auth.firebase_intents.change IS 'What an operator changes besides: names and addresses, never a secret';

CREATE TABLE auth.firebase_passwords (
    user_id uuid NOT NULL,
    config_id uuid NOT NULL,
    hash bytea NOT NULL,
    salt bytea NOT NULL,
    local_hash character varying(255) NOT NULL,
    password_set_at timestamp with time zone NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT firebase_passwords_hash_check CHECK (((length(hash) >= 16) AND (length(hash) <= 256))),
    CONSTRAINT firebase_passwords_salt_check CHECK ((length(salt) <= 256))
);

COMMENT ON TABLE auth.firebase_passwords IS 'Passwords of returned users as Firebase hashed them, until a sign-in replaces the hash or the password is changed';

COMMENT ON COLUMN auth.firebase_passwords.local_hash IS 'auth.users.password_hash at the return; once that is another one, this row counts no more';

COMMENT ON COLUMN auth.firebase_passwords.password_set_at IS 'When the password was set, by Firebase''s clock';

CREATE TABLE auth.firebase_project (
    only_row boolean DEFAULT true NOT NULL,
    project_id text NOT NULL,
    tenant text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    reconciled_at timestamp with time zone,
    reconciling_until timestamp with time zone,
    reconciling_by text,
    CONSTRAINT firebase_project_only_row_check CHECK (only_row)
);

COMMENT ON TABLE auth.firebase_project IS 'The Firebase project that the rows belong to: one row, written by the first start';

COMMENT ON COLUMN auth.firebase_project.tenant IS 'The Identity Platform tenant; empty: the project''s own users';

COMMENT ON COLUMN auth.firebase_project.reconciled_at IS 'When the last reconciliation began that went through';

COMMENT ON COLUMN auth.firebase_project.reconciling_until IS 'Until when a reconciliation that is under way holds its place; a killed one''s place lapses';

CREATE TABLE auth.known_addresses (
    name text NOT NULL,
    known_until timestamp with time zone NOT NULL
);

COMMENT ON TABLE auth.known_addresses IS 'Client addresses from which a person has signed in, for the limits of sign-ins';

COMMENT ON COLUMN auth.known_addresses.name IS 'HMAC of e-mail and network, by the key of the limits';

CREATE TABLE auth.ledger_entries (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    amount bigint NOT NULL,
    balance_after integer NOT NULL,
    kind text NOT NULL,
    caller text NOT NULL,
    reason text,
    idempotency_key text,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ledger_entries_amount_check CHECK ((amount <> 0)),
    CONSTRAINT ledger_entries_change_check CHECK (((kind <> 'change'::text) OR ((reason IS NOT NULL) AND (idempotency_key IS NOT NULL)))),
    CONSTRAINT ledger_entries_kind_check CHECK ((kind = ANY (ARRAY['opening'::text, 'change'::text, 'external'::text, 'closing'::text])))
);

COMMENT ON TABLE auth.ledger_entries IS 'Append-only record of balances: auth.users.token_balance is the sum of a user''s entries';

COMMENT ON COLUMN auth.ledger_entries.kind IS 'opening: what stood when the ledger began; change: through this service; external: around it; closing: the row was deleted';

COMMENT ON COLUMN auth.ledger_entries.caller IS 'user:<id> or key:<public id>; database:<role> for what was not done through this service';

ALTER TABLE auth.ledger_entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME auth.ledger_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth.legacy_sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seed bytea NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    rotated_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    user_agent text,
    carried_at timestamp with time zone
);

COMMENT ON TABLE auth.legacy_sessions IS 'Sign-ins that hold the legacy pair of tokens: a family of refresh tokens each';

COMMENT ON COLUMN auth.legacy_sessions.began_at IS 'When the person signed in: auth_time of all its tokens';

COMMENT ON COLUMN auth.legacy_sessions.seed IS 'Makes the ids of the refresh tokens unguessable to who knows the secret alone';

COMMENT ON COLUMN auth.legacy_sessions.generation IS 'How often the refresh token was exchanged';

COMMENT ON COLUMN auth.legacy_sessions.rotated_at IS 'When the refresh token of this generation was issued';

COMMENT ON COLUMN auth.legacy_sessions.carried_at IS 'When the session first went on at Firebase, where sessions have no end of their own; NULL: it never has';

CREATE TABLE auth.move_claims (
    user_id uuid NOT NULL,
    claimed_by text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    failed_at timestamp with time zone,
    failure text,
    hash_digest bytea
);

COMMENT ON TABLE auth.move_claims IS 'Moves of users to Firebase that are under way (federation_status syncing) or were stopped by something';

COMMENT ON COLUMN auth.move_claims.failure IS 'Why the move did not succeed: a code and no personal data';

COMMENT ON COLUMN auth.move_claims.hash_digest IS 'SHA-256 of the hash that was claimed: another one since then is not at Firebase';

CREATE UNLOGGED TABLE auth.reconcile_listed (
    firebase_uid character varying(128) NOT NULL
);

COMMENT ON TABLE auth.reconcile_listed IS 'Which accounts the reconciliation under way has seen in Firebase''s list';

CREATE TABLE auth.river_job (
    id bigint NOT NULL,
    state auth.river_job_state DEFAULT 'available'::auth.river_job_state NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finalized_at timestamp with time zone,
    scheduled_at timestamp with time zone DEFAULT now() NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    args jsonb NOT NULL,
    attempted_by text[],
    errors jsonb[],
    kind text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    tags character varying(255)[] DEFAULT '{}'::character varying[] NOT NULL,
    unique_key bytea,
    unique_states bit(8),
    CONSTRAINT finalized_or_finalized_at_null CHECK ((((finalized_at IS NULL) AND (state <> ALL (ARRAY['cancelled'::auth.river_job_state, 'completed'::auth.river_job_state, 'discarded'::auth.river_job_state]))) OR ((finalized_at IS NOT NULL) AND (state = ANY (ARRAY['cancelled'::auth.river_job_state, 'completed'::auth.river_job_state, 'discarded'::auth.river_job_state]))))),
    CONSTRAINT kind_length CHECK (((char_length(kind) > 0) AND (char_length(kind) < 128))),
    CONSTRAINT max_attempts_is_positive CHECK ((max_attempts > 0)),
    CONSTRAINT priority_in_range CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT queue_length CHECK (((char_length(queue) > 0) AND (char_length(queue) < 128)))
);

COMMENT ON TABLE auth.river_job IS 'Jobs of River: what we owe Firebase, one for each user';

CREATE SEQUENCE auth.river_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE auth.river_job_id_seq OWNED BY auth.river_job.id;

CREATE UNLOGGED TABLE auth.river_leader (
    elected_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leader_id text NOT NULL,
    name text DEFAULT 'default'::text NOT NULL,
    CONSTRAINT leader_id_length CHECK (((char_length(leader_id) > 0) AND (char_length(leader_id) < 128))),
    CONSTRAINT name_length CHECK ((name = 'default'::text))
);

CREATE TABLE auth.river_notification (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (((length(topic) > 0) AND (length(topic) < 128)))
);

CREATE SEQUENCE auth.river_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE auth.river_notification_id_seq OWNED BY auth.river_notification.id;

CREATE TABLE auth.river_queue (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

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

CREATE TABLE auth.service_keys (
    name text NOT NULL,
    key bytea NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT service_keys_key_check CHECK ((octet_length(key) = 32))
);

COMMENT ON TABLE auth.service_keys IS 'Random keys that the instances share; the owner deletes a row to have a new one made';

COMMENT ON COLUMN auth.service_keys.name IS 'facts: seals user facts in Redis; limits: hides e-mails and addresses in Redis';

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
    email_proven_at timestamp with time zone,
    email_proven_by text,
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

COMMENT ON COLUMN auth.users.email_proven_at IS 'When the sign-in began that first proved the address of this row; NULL for an address that nobody has proven';

COMMENT ON COLUMN auth.users.email_proven_by IS 'The sign_in_provider of that sign-in; NULL where the platform vouches for the address, or where the proof is older than this column';

CREATE TABLE auth.verification_keys (
    source text NOT NULL,
    keys jsonb NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    fresh_until timestamp with time zone NOT NULL
);

COMMENT ON TABLE auth.verification_keys IS 'Last good public keys by source URL; used for at most 24 hours after fetched_at';

ALTER TABLE ONLY auth.river_job ALTER COLUMN id SET DEFAULT nextval('auth.river_job_id_seq'::regclass);

ALTER TABLE ONLY auth.river_notification ALTER COLUMN id SET DEFAULT nextval('auth.river_notification_id_seq'::regclass);

ALTER TABLE ONLY auth.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.bulk_run_users
    ADD CONSTRAINT bulk_run_users_pkey PRIMARY KEY (run_id, user_id);

ALTER TABLE ONLY auth.bulk_runs
    ADD CONSTRAINT bulk_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.federation_archive
    ADD CONSTRAINT federation_archive_pkey PRIMARY KEY (relation, key);

ALTER TABLE ONLY auth.firebase_hash_configs
    ADD CONSTRAINT firebase_hash_configs_key UNIQUE (project, version, signer_key, salt_separator, rounds, memory_cost);

ALTER TABLE ONLY auth.firebase_hash_configs
    ADD CONSTRAINT firebase_hash_configs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.firebase_intents
    ADD CONSTRAINT firebase_intents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.firebase_passwords
    ADD CONSTRAINT firebase_passwords_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY auth.firebase_project
    ADD CONSTRAINT firebase_project_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY auth.known_addresses
    ADD CONSTRAINT known_addresses_pkey PRIMARY KEY (name);

ALTER TABLE ONLY auth.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (user_id, id);

ALTER TABLE ONLY auth.legacy_sessions
    ADD CONSTRAINT legacy_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.move_claims
    ADD CONSTRAINT move_claims_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY auth.reconcile_listed
    ADD CONSTRAINT reconcile_listed_pkey PRIMARY KEY (firebase_uid);

ALTER TABLE ONLY auth.river_job
    ADD CONSTRAINT river_job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.river_leader
    ADD CONSTRAINT river_leader_pkey PRIMARY KEY (name);

ALTER TABLE ONLY auth.river_notification
    ADD CONSTRAINT river_notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.river_queue
    ADD CONSTRAINT river_queue_pkey PRIMARY KEY (name);

ALTER TABLE ONLY auth.rollout
    ADD CONSTRAINT rollout_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY auth.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY auth.service_keys
    ADD CONSTRAINT service_keys_pkey PRIMARY KEY (name);

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

CREATE UNIQUE INDEX bulk_runs_one_unfinished ON auth.bulk_runs USING btree ((true)) WHERE (state = ANY (ARRAY['running'::text, 'paused'::text]));

CREATE INDEX idx_audit_events_action ON auth.audit_events USING btree (action, occurred_at, id);

CREATE INDEX idx_audit_events_actor ON auth.audit_events USING btree (actor, occurred_at, id);

CREATE INDEX idx_audit_events_time ON auth.audit_events USING btree (occurred_at, id);

CREATE INDEX idx_audit_events_user_id ON auth.audit_events USING btree (user_id, id);

CREATE INDEX idx_bulk_run_users_outcome ON auth.bulk_run_users USING btree (run_id, outcome, user_id);

CREATE INDEX idx_bulk_runs_started_at ON auth.bulk_runs USING btree (started_at, id);

CREATE INDEX idx_firebase_passwords_config_id ON auth.firebase_passwords USING btree (config_id);

CREATE UNIQUE INDEX idx_ledger_entries_idempotency_key ON auth.ledger_entries USING btree (user_id, caller, idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX idx_legacy_sessions_user_id ON auth.legacy_sessions USING btree (user_id);

CREATE INDEX idx_tombstones_firebase_uid ON auth.tombstones USING btree (firebase_uid, deleted_at);

CREATE INDEX idx_users_auth_provider ON auth.users USING btree (auth_provider);

CREATE INDEX idx_users_bcrypt_cost ON auth.users USING btree (auth.bcrypt_cost((password_hash)::text)) WHERE (auth.bcrypt_cost((password_hash)::text) IS NOT NULL);

CREATE UNIQUE INDEX idx_users_canonical_email ON auth.users USING btree (auth.canonical_email((email)::text));

CREATE INDEX idx_users_email_prefix ON auth.users USING btree (auth.canonical_email((email)::text) COLLATE "C");

CREATE INDEX idx_users_federation_status ON auth.users USING btree (federation_status);

CREATE UNIQUE INDEX idx_users_firebase_uid ON auth.users USING btree (firebase_uid);

CREATE INDEX idx_users_is_active ON auth.users USING btree (is_active);

CREATE INDEX idx_users_username_prefix ON auth.users USING btree (username COLLATE "C");

CREATE INDEX river_job_args_index ON auth.river_job USING gin (args);

CREATE INDEX river_job_kind ON auth.river_job USING btree (kind);

CREATE INDEX river_job_metadata_index ON auth.river_job USING gin (metadata);

CREATE INDEX river_job_prioritized_fetching_index ON auth.river_job USING btree (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index ON auth.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);

CREATE UNIQUE INDEX river_job_unique_idx ON auth.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND auth.river_job_state_in_bitmask(unique_states, state));

CREATE INDEX river_notification_created_at_idx ON auth.river_notification USING btree (created_at);

CREATE INDEX river_notification_topic_id_idx ON auth.river_notification USING btree (topic, id);

CREATE TRIGGER ledger_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON auth.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_change();

CREATE TRIGGER ledger_of_deletes AFTER DELETE ON auth.users FOR EACH ROW WHEN ((COALESCE(old.token_balance, 0) <> 0)) EXECUTE FUNCTION auth.enter_balance();

CREATE TRIGGER ledger_of_inserts AFTER INSERT ON auth.users FOR EACH ROW WHEN ((COALESCE(new.token_balance, 0) <> 0)) EXECUTE FUNCTION auth.enter_balance();

CREATE TRIGGER ledger_of_updates AFTER UPDATE ON auth.users FOR EACH ROW WHEN (((COALESCE(old.token_balance, 0) <> COALESCE(new.token_balance, 0)) OR (old.id <> new.id))) EXECUTE FUNCTION auth.enter_balance();

CREATE TRIGGER tell_of_change AFTER UPDATE ON auth.users FOR EACH ROW WHEN (((old.is_active IS DISTINCT FROM new.is_active) OR ((old.federation_status)::text IS DISTINCT FROM (new.federation_status)::text) OR (old.tokens_valid_after IS DISTINCT FROM new.tokens_valid_after) OR (old.legacy_tokens_valid_after IS DISTINCT FROM new.legacy_tokens_valid_after) OR ((old.user_type)::text IS DISTINCT FROM (new.user_type)::text) OR ((old.firebase_uid)::text IS DISTINCT FROM (new.firebase_uid)::text) OR (old.id IS DISTINCT FROM new.id))) EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_deletion AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_end AFTER UPDATE ON auth.legacy_sessions FOR EACH ROW WHEN ((old.ended_at IS DISTINCT FROM new.ended_at)) EXECUTE FUNCTION auth.notify_user_changed();

CREATE TRIGGER tell_of_truncation AFTER TRUNCATE ON auth.users FOR EACH STATEMENT EXECUTE FUNCTION auth.notify_user_changed();

ALTER TABLE ONLY auth.bulk_run_users
    ADD CONSTRAINT bulk_run_users_run_id_fkey FOREIGN KEY (run_id) REFERENCES auth.bulk_runs(id);

ALTER TABLE ONLY auth.firebase_passwords
    ADD CONSTRAINT firebase_passwords_config_id_fkey FOREIGN KEY (config_id) REFERENCES auth.firebase_hash_configs(id);

ALTER TABLE ONLY auth.firebase_passwords
    ADD CONSTRAINT firebase_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.legacy_sessions
    ADD CONSTRAINT legacy_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.move_claims
    ADD CONSTRAINT move_claims_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.set_aside_passwords
    ADD CONSTRAINT set_aside_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

