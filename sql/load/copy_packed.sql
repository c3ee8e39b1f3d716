-- name: copy_packed
-- purpose: loads the files that a load has packed into one of its tables
COPY {{ table }} ({{ column_list }})
FROM {{ literal(manifest) }}
IAM_ROLE {% if role == "default" %}default{% else %}{{ literal(role) }}{% endif %}

MANIFEST
REGION {{ literal(region) }}
GZIP
FORMAT AS JSON {{ literal(json_paths) }}
COMPUPDATE OFF
STATUPDATE OFF
MAXERROR 0
