"""What the shop does in the background."""

from __future__ import annotations

import kiq

from .models import Order


class ShipOrder(kiq.Job, retry=3):
    """Ships one order."""

    def perform(self, order: int) -> None:
        found = Order.objects.get(pk=order)
        found.shipped = True
        found.save()
        self.logger.info("order %d is shipped", order)
