"""Refusals for lack of a permission, or of a valid key, as each service spells them.

moto spells them all alike, and no protocol's way.
"""

import json
import re


def respelled(text, service, speaks_json):
    """The status, and the text of the refusal."""
    code = _between(text, "Code") or "AccessDenied"
    message = _between(text, "Message") or "Access Denied"
    if speaks_json:
        code = {"AccessDenied": "AccessDeniedException"}.get(code, code)
        return 400, json.dumps({"__type": code, "message": message})
    if service == "ec2":
        code = {"AccessDenied": "UnauthorizedOperation"}.get(code, code)
        error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        return 403, f"<Response>{error}<RequestID>shim</RequestID></Response>"
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return 403, f"<ErrorResponse>{error}<RequestId>shim</RequestId></ErrorResponse>"


def _between(text, name):
    found = re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return found and found.group(1)
