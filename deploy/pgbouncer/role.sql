-- PgBouncer in transaction mode does not pass on what a connection says of itself, so the role says it (SM046, SM035).
-- The longest that any process needs: a request's own deadline is shorter and ends its statement by itself.
ALTER ROLE seamark SET statement_timeout = '120s';
ALTER ROLE seamark SET lock_timeout = '12500ms';
-- SM_BACKGROUND_TASKS_LEASE: nothing else takes a task from a worker that froze.
ALTER ROLE seamark SET idle_in_transaction_session_timeout = '300s';
ALTER ROLE seamark SET client_connection_check_interval = '500ms';
ALTER ROLE seamark SET jit = off;
