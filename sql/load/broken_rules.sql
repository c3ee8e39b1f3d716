-- name: broken_rules
-- purpose: rows that COPY has taken although they break a rule of their columns
SELECT {{ columns(model) }}
FROM {{ table }}
WHERE {{ any_rule_broken(model) }}
