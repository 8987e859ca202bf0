-- What a serving authd may do, and nothing else: a role without a login, whose members serve (CREATE ROLE authd LOGIN PASSWORD '...'
-- IN ROLE auth_serving). It changes no schema, and what is only ever added to (audit_events, ledger_entries) it can neither change nor
-- take away.
-- Roles belong to the whole server: other databases may have made it before, or may be making it now.

-- migrate:up
DO $$
BEGIN
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_serving') THEN
            BEGIN
                CREATE ROLE auth_serving NOLOGIN;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL; -- another database's migration was faster
                WHEN insufficient_privilege THEN
                    RAISE insufficient_privilege USING
                        MESSAGE = format('the role auth_serving is not there, and %I may not make it', current_user),
                        HINT = 'Let an administrator run: CREATE ROLE auth_serving NOLOGIN; then migrate again.';
            END;
        END IF;
        BEGIN
            GRANT USAGE ON SCHEMA auth TO auth_serving; -- from here on nobody can drop the role before we are done
            RETURN;
        EXCEPTION WHEN undefined_object THEN
            NULL; -- another database's step down was faster
        END;
    END LOOP;
END
$$;

-- A line a table, with exactly what the statements in db/queries do; a table that has no line here is the owner's alone.
GRANT SELECT ON auth.schema_migrations TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.users TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.legacy_sessions TO auth_serving;
GRANT SELECT, INSERT, UPDATE ON auth.set_aside_passwords TO auth_serving;
GRANT SELECT, INSERT ON auth.tombstones TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.move_claims TO auth_serving;
GRANT SELECT, UPDATE ON auth.rollout TO auth_serving;
GRANT SELECT, INSERT, UPDATE ON auth.verification_keys TO auth_serving;
GRANT SELECT, INSERT ON auth.audit_events TO auth_serving;
GRANT SELECT, UPDATE (last_used_at) ON auth.api_keys TO auth_serving; -- who takes an instance over makes no key of an admin's
GRANT SELECT ON auth.ledger_entries TO auth_serving; -- its trigger writes it
GRANT SELECT, INSERT, UPDATE ON auth.firebase_project TO auth_serving;
GRANT SELECT, INSERT, DELETE ON auth.reconcile_listed TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.river_job TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.river_leader TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.river_queue TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.river_notification TO auth_serving;
GRANT USAGE ON SEQUENCE auth.river_job_id_seq TO auth_serving;
GRANT USAGE ON SEQUENCE auth.river_notification_id_seq TO auth_serving;
GRANT EXECUTE ON FUNCTION auth.canonical_email(text) TO auth_serving;

-- migrate:down
-- The role itself stays while it is of use to anybody: to other databases of this server, or to the logins that are its members,
-- which would be members no more when it is made again.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_serving') THEN
        RETURN; -- a backup that was restored on another server, without grants
    END IF;
    REVOKE ALL ON ALL TABLES IN SCHEMA auth FROM auth_serving;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA auth FROM auth_serving;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA auth FROM auth_serving;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM auth_serving;
    REVOKE ALL ON SCHEMA auth FROM auth_serving;
    IF EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = 'auth_serving'::regrole AND member <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ) THEN
        RETURN;
    END IF;
    BEGIN
        DROP ROLE auth_serving;
    EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object OR lock_not_available THEN
        NULL; -- it is in use elsewhere, an administrator has made it, or another database's step down was faster
    END;
END
$$;
