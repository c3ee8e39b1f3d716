"""Parses statements for Redshift: a JSON list of texts in, a list of lists of complaints out."""

import json
import sys

from sqlfluff.core import FluffConfig, Linter

# The raw templater: a doubled brace is no template to it.
linter = Linter(config=FluffConfig(overrides={"dialect": "redshift", "templater": "raw"}))


def complaints(text):
    parsed = linter.parse_string(text)
    found = [f"line {v.line_no}, column {v.line_pos}: {v.desc()}" for v in parsed.violations]
    return found if found or parsed.tree else ["there is no tree"]


json.dump([complaints(text) for text in json.load(sys.stdin)], sys.stdout)
