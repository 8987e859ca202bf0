-- The ledger believes an announced change from the service alone. Any role may set auth.ledger_entry, and a role with UPDATE on
-- auth.users could book a change in an admin's name, or use up an Idempotency-Key of a service.
-- The service is a member of auth_serving. The owner is believed, too: it may serve, and owns the ledger. The function runs as the owner
-- (current_user), so it asks for the login (session_user, which SET ROLE does not change) and for the role that the login has taken by
-- SET ROLE: both must be the service's. A change that is not believed is external, in the name of the login. Where the role auth_serving is missing (a backup that
-- was restored on another server), the owner alone is believed.

-- migrate:up
CREATE OR REPLACE FUNCTION auth.enter_balance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

-- migrate:down
CREATE OR REPLACE FUNCTION auth.enter_balance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person uuid;
    before integer;
    after integer;
    gone boolean;
    entered integer;
    announced jsonb;
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
        announced := nullif(current_setting('auth.ledger_entry', true), '');
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
