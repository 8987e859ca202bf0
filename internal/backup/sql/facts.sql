-- Which server and database this is. The system identifier is made by initdb and shared with replicas and physical copies only.
SELECT current_database()::text, (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), current_setting('server_version'),
    current_setting('server_version_num')::int,
    (SELECT pg_catalog.pg_encoding_to_char(encoding)::text FROM pg_catalog.pg_database WHERE datname = current_database())
