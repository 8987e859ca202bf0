-- Which of the roles $1 would gain something from having their code run by this one: all but this role, superusers and members of it,
-- who can do all that it can. (That this role is a member of theirs is no reason to trust them.)
SELECT wanted.name
FROM unnest($1::text[]) AS wanted (name)
LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = wanted.name
WHERE r.oid IS NULL OR NOT pg_has_role(r.oid, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), 'MEMBER')
ORDER BY 1
