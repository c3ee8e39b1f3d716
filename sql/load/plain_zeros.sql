-- name: plain_zeros
-- purpose: 0 in the place of -0, which COPY keeps; the reader of records takes the sign off
UPDATE {{ table }}
SET
{% for column in real_columns(model) %}
    {{ column }} = CASE WHEN {{ column }} = 0 THEN 0 ELSE {{ column }} END{% if not loop.last %},{% endif %}

{% endfor %}
WHERE
{% for column in real_columns(model) %}
    {% if not loop.first %}OR {% endif %}{{ column }} = 0
{% endfor %}
