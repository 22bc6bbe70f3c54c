"""What an error of redis-py means, in kiq's words."""

from __future__ import annotations

import re

from redis import exceptions

from ..config import Redis as RedisSettings
from ..errors import StoreDenied, StoreError, StoreFull, StoreUnavailable, StoreUnsuitable

#: The connection is of no use any more.
GONE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.InvalidResponse,  # no protocol: nothing that follows can be trusted
    OSError,
)
#: Errors that mean "nothing was done; another connection may do it".
_ELSEWHERE = (exceptions.ReadOnlyError, exceptions.MasterDownError, exceptions.BusyLoadingError)
_NOT_ALLOWED = (exceptions.NoPermissionError, exceptions.AuthorizationError)
#: How answers begin of a Redis that does nothing for a while, for reasons that pass.
_LATER = ("BUSY ", "MISCONF ", "NOREPLICAS ", "TRYAGAIN ")
#: What servers say of a command that was renamed, or that an ACL forbids; plain and in a script.
_TAKEN_AWAY = (
    "unknown command",
    "unknown redis command",
    "can't run this command",
    "has no permissions to run",
    "no permissions to run",
    "acl failure",
    "no permissions to access a key",
    "no permissions to access one of the keys",
    "can't access at least one of the keys",
    "no permissions to access a channel",
    "no permissions to access one of the channels",
    "can't publish to the channel",
)
_LACKING = re.compile(r"user (\S+ )?has no permissions to run the '([^ ']+)'", re.IGNORECASE)
#: What only a Redis in cluster mode says, to whoever takes it for a Redis alone.
_CLUSTER_ERRORS = (exceptions.ClusterError, exceptions.ClusterCrossSlotError, exceptions.AskError)
_OF_A_CLUSTER = ("in a cluster node", "in cluster mode", "hash to the same slot", "-CLUSTERDOWN")


def in_cluster_mode(where: str) -> StoreUnsuitable:
    """Return the error of a Redis at *where* that is a node of a cluster."""
    return StoreUnsuitable(
        f"Redis at {where} is in cluster mode, which kiq does not work with yet: use one with "
        "cluster-enabled no; Sentinel and replicas are fine"
    )


def translate(error: Exception, where: str, advice: str = "") -> StoreError:
    """Return *error* as one of kiq's, naming *where* (a masked URL), with *error* as its cause.

    It is redis-py's, or what a credential provider raised: without one there is no connection either.
    *advice* is what to do where it could not be reached.
    """
    translated = _translated(error, where, advice)
    if isinstance(error, exceptions.RedisError):
        # What it stands for is in the message: no need of redis-py's frames, and the socket's below.
        error.__traceback__ = error.__context__ = error.__cause__ = None
    translated.__cause__ = error
    return translated


def _translated(error: Exception, where: str, advice: str) -> StoreError:
    text = f"{error} (Redis at {where})"
    # Redis before 7 wraps what a command in a script was refused with: the word is inside.
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM command not allowed" in text:
        return StoreFull(f"Redis is full: {text}; raise maxmemory or drain the queues")
    if isinstance(error, exceptions.AuthenticationError) or "WRONGPASS" in str(error):
        advice = "check the user and the password: redis.url, redis.username, redis.password"
        return StoreDenied(f"Redis refused the user or its password: {text}; {advice}")
    if isinstance(error, _NOT_ALLOWED) or "NOPERM" in str(error):
        advice = f"{grant(str(error))}; `kiq doctor` names all that kiq needs"
        return StoreDenied(f"Redis refused a command or a key to the user: {text}; {advice}")
    if is_taken_away(str(error)):
        advice = (
            f"{grant(str(error))}; `kiq doctor` tries each command that kiq needs, and names it"
        )
        return StoreDenied(f"{text}; {advice}")
    if is_elsewhere(error):
        way_out = "wait until it is ready, or name the master in the URL"
        return StoreUnavailable(f"this Redis takes no writes now: {text}; {way_out}")
    if isinstance(error, _CLUSTER_ERRORS) or any(word in text for word in _OF_A_CLUSTER):
        return in_cluster_mode(where)
    if "DB index" in text:
        numbers = "0 to 15 as a rule, 0 alone in cluster mode"
        return StoreUnsuitable(f"Redis has no such database: {text}; check redis.db: {numbers}")
    if not isinstance(error, exceptions.RedisError):
        # redis-py wraps what sockets raise: this is code that it called, such as a credential provider.
        why = f"{type(error).__name__}: {text}"
        return StoreUnavailable(f"Redis can't be reached: no connection could be made: {why}")
    if isinstance(error, GONE):
        return StoreUnavailable(f"Redis can't be reached: {text}{advice or _way_out(where)}")
    return StoreError(f"Redis refused: {text}")


def grant(refused: str) -> str:
    """Return what gives a user the right that Redis *refused*, as far as it said which."""
    lacking = _LACKING.search(refused)
    if lacking is not None:
        return f"ACL SETUSER {(lacking[1] or 'USER').strip()} +{lacking[2]}"
    what = "the channel" if "channel" in refused else "the key" if "key" in refused else "the right"
    return f"give this user {what} (ACL SETUSER, as docs/redis.md has it)"


def translated_text(text: str, where: str) -> StoreError:
    """Return the error that a script says in its reply, in words of Redis or Lua."""
    return translate(exceptions.ResponseError(text), where)


def is_taken_away(text: str) -> bool:
    """Tell whether Redis refused a command itself: it is unknown, renamed, or not this user's."""
    return any(word in text.lower() for word in _TAKEN_AWAY)


def is_elsewhere(error: Exception) -> bool:
    """Tell whether Redis refused for a reason that passes, or that another server has not."""
    text = str(error)
    return (
        isinstance(error, _ELSEWHERE)
        or text.startswith(_LATER)
        # Redis before 7 wraps what a command in a script was refused with: the word is inside.
        or any(f"-{word}" in text for word in ("READONLY ", *_LATER))
    )


def _way_out(where: str) -> str:
    if where == RedisSettings().masked_url:
        return "; start Redis, or set REDIS_URL=embedded for a private server that needs no set-up"
    return "; is it running, and is the URL right?"
