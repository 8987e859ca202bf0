-- The ledger: one row a change of a balance, so that a balance is the sum of its entries. user_id has no foreign key because entries
-- outlive the account. What keeps the ledger is a trigger on auth.users, which 025 puts there: whoever changes a balance, this
-- service or another, is on record by the same hand.

-- migrate:up
CREATE TABLE auth.ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id uuid NOT NULL,
    amount bigint NOT NULL,
    balance_after integer NOT NULL,
    kind text NOT NULL,
    caller text NOT NULL,
    reason text,
    idempotency_key text,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, id), -- nobody asks for an entry without its user
    CONSTRAINT ledger_entries_amount_check CHECK (amount <> 0),
    CONSTRAINT ledger_entries_kind_check CHECK (kind IN ('opening', 'change', 'external', 'closing')),
    CONSTRAINT ledger_entries_change_check CHECK (kind <> 'change' OR (reason IS NOT NULL AND idempotency_key IS NOT NULL))
);

CREATE UNIQUE INDEX idx_ledger_entries_idempotency_key ON auth.ledger_entries (user_id, caller, idempotency_key)
WHERE idempotency_key IS NOT NULL;

COMMENT ON TABLE auth.ledger_entries IS 'Append-only record of balances: auth.users.token_balance is the sum of a user''s entries';
COMMENT ON COLUMN auth.ledger_entries.kind IS
'opening: what stood when the ledger began; change: through this service; external: around it; closing: the row was deleted';
COMMENT ON COLUMN auth.ledger_entries.caller IS 'user:<id> or key:<public id>; database:<role> for what was not done through this service';

-- "Entries are never changed" holds for the tables' owner too, unless he takes this away on purpose.
CREATE FUNCTION auth.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON auth.ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_change();

-- Enters a change of a balance. It runs as the ledger's owner: roles that may write auth.users and know nothing of the ledger go on
-- writing, and none needs a right on the ledger. A change is this service's when the transaction has announced this very amount for
-- this very user, once; all else is external. Where the last entry is not what stood before (nobody has entered the row yet, or
-- triggers were off), what is missing is entered first. The row's lock puts a user's entries in order.
CREATE FUNCTION auth.enter_balance() RETURNS trigger
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

-- With it as the trigger of a table of his own, anybody could make entries up.
REVOKE EXECUTE ON FUNCTION auth.enter_balance() FROM PUBLIC;

-- migrate:down transaction:false
-- keeps: auth.ledger_entries
-- Archived beside the traffic, a thousand users at a time, then dropped; cut short, the next try goes on. Nobody enters anything any
-- more: 025 is down.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF to_regclass('auth.ledger_entries') IS NULL THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(user_id)
        FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) / 1000 AS batch FROM auth.ledger_entries GROUP BY user_id) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.ledger_entries', id::text, to_jsonb(gone)
        FROM auth.ledger_entries AS gone
        WHERE user_id = ANY(people)
        ON CONFLICT (relation, key) DO NOTHING;
        COMMIT;
    END LOOP;
    DROP TABLE auth.ledger_entries;
    DROP FUNCTION auth.enter_balance();
    DROP FUNCTION auth.refuse_change();
END
$$;
