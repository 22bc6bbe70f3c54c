"""The plugin that keeps what is carried, and attaches it to pushes, runs and log lines."""

from __future__ import annotations

from typing import Any

from ...errors import ConfigError
from ...middleware import ClientContext, Next, Payload, stamped
from ...plugin import Host
from .scalar import Scalar
from .variables import Variables


class Stamp:
    """Client middleware that writes into a payload what is current where it is pushed.

    At a promotion it does nothing: the context would be the poller's. *stamps* says that it belongs to
    the call: where a push waits for a transaction (:mod:`kiq.plugins.after_commit`), it is asked then,
    and not at the commit, of which a thread-local value may be another one.
    """

    stamps = True

    def __init__(self) -> None:
        self.layers: dict[str, Variables | Scalar] = {}

    def __call__(self, context: ClientContext, call_next: Next[ClientContext]) -> Any:
        """Fill in the fields that the payload does not have."""
        if not context.promoting and context.payload.get("jid") not in stamped.get():
            for layer in self.layers.values():
                layer.stamp(context.payload)
        return call_next(context)


class Context:
    """The plugin ``context``, one for each host. It is there from the first ``kiq.carry`` on."""

    name = "context"

    def __init__(self) -> None:
        self._stamp = Stamp()

    def install(self, host: Host) -> None:
        """Attach to *host*, outside of all other layers, which then see what is carried."""
        self._host = host
        host.client_middleware.prepend(self._stamp)
        host.log_fields.append(self._log_fields)

    def variables(self, field: str) -> Variables:
        """Return the layer of the variables that travel in *field*, a new one if need be."""
        layer = self._stamp.layers.get(field)
        if layer is None:
            layer = Variables(field)
            self.add(layer)
        if not isinstance(layer, Variables):
            raise ConfigError(f"carry: the field {field} is taken, by carry_locale or carry_trace")
        return layer

    def add(self, layer: Variables | Scalar) -> None:
        """Put *layer* into use, in place of the one that its field had."""
        earlier = self._stamp.layers.get(layer.payload_field)
        if earlier is not None:
            self._host.server_middleware.remove(earlier)
        self._stamp.layers[layer.payload_field] = layer
        chain = self._host.server_middleware
        # Outside of the user's layers, which see what is carried; inside of those that clean up after
        # a run, as ``load`` may use a database.
        inner = [one for one in chain.layers if not getattr(one, "cleans_up", False)]
        chain.add(layer, before=inner[0] if inner else None)

    def _log_fields(self, payload: Payload) -> dict[str, Any]:
        return {
            name: value
            for field, layer in self._stamp.layers.items()
            if field in payload
            for name, value in layer.logged(payload)
        }
