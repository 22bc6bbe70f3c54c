"""``manage.py place_order 3``: orders and their jobs, in one transaction."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from orders.jobs import ShipOrder
from orders.models import Order


class Command(BaseCommand):
    """Places orders."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a number, and whether to fail at the end."""
        parser.add_argument("number", type=int)
        parser.add_argument("--fail", action="store_true")

    def handle(self, *_: Any, number: int, fail: bool, **__: Any) -> None:
        """Place them; each job is pushed when all is committed."""
        with transaction.atomic():
            for _index in range(number):
                order = Order.objects.create()
                self.stdout.write(f"order {order.pk}: job {ShipOrder.perform_async(order.pk)}")
            if fail:
                raise CommandError("no money: the orders are rolled back, their jobs never pushed")
