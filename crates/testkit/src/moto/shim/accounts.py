"""What the tests have set for an account, and its lock."""

import secrets
import threading
from collections import defaultdict

from moto.core import DEFAULT_ACCOUNT_ID as DEFAULT

# How many times a state is shown before the next one, and where databases answer.
DEFAULTS = {
    "creating": 1,
    "adding_roles": 1,
    "modifying": 1,
    "pausing": 1,
    "resuming": 1,
    "deleting": 1,
    # How many times a security group cannot be deleted after its last cluster has gone.
    "releasing_interface": 1,
    "host": None,
    "port": None,
    # The password of temporary credentials; a new one each time if there is none.
    "password": None,
    # Whether callers need permissions, as users of the account have them.
    "permissions": False,
}

# What the thread that serves a request knows: `trusted`, whether it is from the tests themselves, and its `body`;
# for a client of the tests, the `account` that it means.
current = threading.local()

_settings = {}
_locks = defaultdict(threading.RLock)
_guard = threading.Lock()


def settings(account):
    with _guard:
        return _settings.setdefault(account, dict(DEFAULTS))


def lock(account):
    with _guard:
        return _locks[account]


def checks_permissions(account):
    """Whether the caller of the request that is being served needs permissions."""
    return settings(account)["permissions"] and not current.trusted


def temporary_password(account):
    return settings(account)["password"] or f"TEMPORARY-{secrets.token_hex(12)}"
