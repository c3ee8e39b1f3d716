-- name: copy_objects
-- purpose: loads the objects of a source, as they are, into one of the load's tables
COPY {{ table }} ({{ column_list }})
FROM {{ literal(manifest) }}
IAM_ROLE {% if role == "default" %}default{% else %}{{ literal(role) }}{% endif %}

MANIFEST
REGION {{ literal(region) }}
{{ compression }}
FORMAT AS JSON {{ literal(json_paths) }}
BLANKSASNULL
EMPTYASNULL
COMPUPDATE OFF
STATUPDATE OFF
MAXERROR 0
