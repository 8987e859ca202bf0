-- The ledger begins: what an earlier ledger held is put back, auth.users gets the trigger, and each balance that is not yet the sum
-- of its entries an entry over the difference (an opening one where it has none). In batches of 1,000 with a commit each, while
-- others go on writing: the trigger is there first, and a batch is entered under its rows' locks. Cut short, the next try goes on.

-- migrate:up transaction:false
DO $$
DECLARE
    batch CONSTANT int := 1000;
    tries CONSTANT int := 200;
    next_person uuid := '00000000-0000-0000-0000-000000000000';
    people uuid[];
    moved int;
    attempt int := 0;
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    LOOP
        WITH taken AS (
            DELETE FROM auth.federation_archive
            WHERE (relation, key) IN (
                SELECT relation, key FROM auth.federation_archive
                WHERE relation = 'auth.ledger_entries'
                ORDER BY relation, key
                LIMIT batch
            )
            RETURNING facts
        ), entries AS (
            INSERT INTO auth.ledger_entries OVERRIDING SYSTEM VALUE
            SELECT was.* FROM taken CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.ledger_entries, facts) AS was
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) INTO moved FROM taken;
        COMMIT;
        EXIT WHEN moved = 0;
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'auth.users'::regclass AND tgname = 'ledger_of_updates') THEN
        -- New entries go on after the old ones.
        PERFORM setval(
            pg_get_serial_sequence('auth.ledger_entries', 'id'), coalesce((SELECT max(id) FROM auth.ledger_entries), 1),
            EXISTS (SELECT FROM auth.ledger_entries));
        -- A weak lock first, for which autovacuum leaves, then the strong one, in whose queue nobody waits for longer than 300 ms.
        PERFORM set_config('lock_timeout', '10s', false);
        LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
        PERFORM set_config('lock_timeout', '300ms', false);
        LOOP
            BEGIN
                CREATE TRIGGER ledger_of_inserts AFTER INSERT ON auth.users FOR EACH ROW
                WHEN (coalesce(NEW.token_balance, 0) <> 0)
                EXECUTE FUNCTION auth.enter_balance();
                CREATE TRIGGER ledger_of_updates AFTER UPDATE ON auth.users FOR EACH ROW
                WHEN (coalesce(OLD.token_balance, 0) <> coalesce(NEW.token_balance, 0) OR OLD.id <> NEW.id)
                EXECUTE FUNCTION auth.enter_balance();
                CREATE TRIGGER ledger_of_deletes AFTER DELETE ON auth.users FOR EACH ROW
                WHEN (coalesce(OLD.token_balance, 0) <> 0)
                EXECUTE FUNCTION auth.enter_balance();
                EXIT;
            EXCEPTION WHEN lock_not_available THEN
                attempt := attempt + 1;
                IF attempt = tries THEN
                    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
                END IF;
                PERFORM pg_sleep(0.05 + random() / 10);
            END;
        END LOOP;
        COMMIT;
    END IF;

    attempt := 0;
    LOOP
        BEGIN
            people := ARRAY(
                SELECT u.id
                FROM auth.users AS u
                WHERE u.id >= next_person AND coalesce(u.token_balance, 0) <> coalesce((
                    SELECT e.balance_after FROM auth.ledger_entries AS e WHERE e.user_id = u.id ORDER BY e.id DESC LIMIT 1), 0)
                ORDER BY u.id
                LIMIT batch
                FOR NO KEY UPDATE OF u);
            INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller)
            SELECT u.id, coalesce(u.token_balance, 0)::bigint - coalesce(last.balance_after, 0), coalesce(u.token_balance, 0),
                CASE WHEN last.balance_after IS NULL THEN 'opening' ELSE 'external' END, 'database:' || session_user
            FROM auth.users AS u
            LEFT JOIN LATERAL (
                SELECT e.balance_after FROM auth.ledger_entries AS e WHERE e.user_id = u.id ORDER BY e.id DESC LIMIT 1
            ) AS last ON true
            WHERE u.id = ANY(people) AND coalesce(u.token_balance, 0) <> coalesce(last.balance_after, 0);
            attempt := 0;
        EXCEPTION WHEN lock_not_available THEN
            people := NULL;
            attempt := attempt + 1;
            IF attempt = tries THEN
                RAISE lock_not_available USING MESSAGE = 'rows of auth.users are held by others all the time';
            END IF;
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
        COMMIT;
        CONTINUE WHEN people IS NULL;
        EXIT WHEN cardinality(people) = 0;
        next_person := people[cardinality(people)]; -- which is entered, and not found again
    END LOOP;
END
$$;

-- migrate:down
DROP TRIGGER ledger_of_deletes ON auth.users;
DROP TRIGGER ledger_of_updates ON auth.users;
DROP TRIGGER ledger_of_inserts ON auth.users;
