-- name: json_texts
-- purpose: texts that may be objects or arrays, which COPY takes as the text they are written as
{% for column in text_columns(model) %}
{% if not loop.first %}UNION{% endif %}

SELECT {{ column }} AS content
FROM {{ table }}
WHERE {{ column }} LIKE {{ literal('{%}') }} OR {{ column }} LIKE {{ literal('[%]') }}
{% endfor %}
