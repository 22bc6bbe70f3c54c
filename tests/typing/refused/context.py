"""Middleware, handlers and plugins that kiq could not call."""

from __future__ import annotations

from typing import Any

import kiq


# refused: arg-type | reportArgumentType | a layer takes two
@kiq.host.around_push
def lonely(context: kiq.ClientContext) -> Any: ...


# refused: arg-type | reportArgumentType | client middleware sees pushes, not runs
@kiq.host.around_push
def mistaken(context: kiq.ServerContext, call_next: Any) -> Any: ...


# refused: arg-type | reportArgumentType | server middleware sees runs, not pushes
@kiq.host.around_perform
def swapped(context: kiq.ClientContext, call_next: Any) -> Any: ...


# refused: arg-type | reportArgumentType | an error handler takes two
@kiq.host.on_error
def deaf(error: BaseException) -> None: ...


# refused: arg-type | reportArgumentType | the payload comes first
@kiq.host.on_death
def mourn(error: BaseException, payload: dict[str, Any]) -> None: ...


# refused: arg-type | reportArgumentType | a listener takes nothing
@kiq.host.on("startup")
def curious(worker: object) -> None: ...


class Nameless:
    def install(self, host: kiq.Host) -> None: ...


class Tracing:
    name = "tracing"

    def install(self, host: kiq.Host) -> None: ...


# refused: arg-type | reportArgumentType | a plugin has a name
kiq.host.install(Nameless())
# refused: arg-type | reportArgumentType | a plugin, not its class
kiq.host.install(Tracing)
# refused: arg-type | reportArgumentType | a service can be stopped
kiq.host.services.append(Tracing)

# refused: union-attr | reportOptionalMemberAccess | there may be none
print(kiq.current_job().jid)

job = kiq.current_job()
if job:
    # refused: attr-defined | reportAttributeAccessIssue | no such field
    print(job.args)
