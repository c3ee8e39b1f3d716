-- name: lock_holder
-- purpose: the session that holds the lock of a load
SELECT t.pid
FROM svv_transactions t
JOIN pg_class c ON c.oid = t.relation
WHERE c.relname = 'load_lock' AND t.lock_mode = 'AccessExclusiveLock' AND t.granted
ORDER BY t.txn_start
LIMIT 1
