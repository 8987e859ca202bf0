-- A writer cannot keep its changes from the instances. Any role may set authd.changes_told, the count of what its transaction has told:
-- a count above 1,000 made the trigger silent. From 1,000 on the trigger now tells of everybody each time, and PostgreSQL keeps equal
-- messages of a transaction once. What is no count is 0. The names in the function are the server's own, whatever the writer's search_path.

-- migrate:up
CREATE OR REPLACE FUNCTION auth.notify_user_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
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
$$;

-- migrate:down
CREATE OR REPLACE FUNCTION auth.notify_user_changed() RETURNS trigger
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
