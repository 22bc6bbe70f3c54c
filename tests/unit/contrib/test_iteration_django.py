"""Enumerators over Django's QuerySets: each object once and in order, whatever interrupts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from hypothesis import given, settings
from hypothesis import strategies as st

from kiq.contrib.django.iteration import batches, rows
from tests.helpers import django_project
from tests.helpers.resumed import interrupted

pytestmark = pytest.mark.needs("django")

assert django_project  # sets Django up

limits = st.lists(st.integers(0, 7), max_size=6)
few = settings(max_examples=30, deadline=None)
IDS = [*range(1, 12), 20, 21, 22, 40]


class Reader(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "kiq_iteration_tests"


class Loan(models.Model):
    pk = models.CompositePrimaryKey("shelf", "place")
    shelf = models.IntegerField()
    place = models.IntegerField()
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE)

    class Meta:
        app_label = "kiq_iteration_tests"


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Reader)
        editor.create_model(Loan)
    Reader.objects.bulk_create([Reader(id=number, name=f"r{number}") for number in IDS])
    Loan.objects.bulk_create(
        [Loan(shelf=s, place=p, reader_id=1) for s in range(3) for p in range(3)]
    )
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Loan)
        editor.delete_model(Reader)
    connection.close()


@few
@given(page=st.integers(1, 6), after=limits)
def test_objects_are_done_once_and_in_order(page: int, after: list[int]) -> None:
    queryset = Reader.objects.order_by("-name")
    done = interrupted(lambda c: rows(queryset, cursor=c, page=page), after)
    assert [each.pk for each in done] == IDS


@few
@given(sizes=st.lists(st.integers(1, 5), min_size=7, max_size=7), after=limits)
def test_batches_lose_and_double_nothing_even_if_their_size_changes(
    sizes: list[int], after: list[int]
) -> None:
    size = iter(sizes)
    done = interrupted(lambda c: batches(Reader.objects.all(), cursor=c, size=next(size)), after)
    assert [each.pk for batch in done for each in batch] == IDS


@few
@given(page=st.integers(1, 6), after=limits)
def test_a_composite_primary_key_works(page: int, after: list[int]) -> None:
    done = interrupted(lambda c: rows(Loan.objects.all(), cursor=c, page=page), after)
    assert [each.pk for each in done] == [(s, p) for s in range(3) for p in range(3)]


def test_conditions_hold_and_the_total_is_counted() -> None:
    source = rows(Reader.objects.filter(pk__gt=10), cursor=None, page=2, count=True)
    assert source.total == 5
    assert [each.pk for each, _ in source] == [11, 20, 21, 22, 40]


@pytest.mark.parametrize(
    ("queryset", "words"),
    [
        (lambda: Reader.objects.all()[:5], "sliced"),
        (lambda: Reader.objects.values("name"), "values, not objects"),
        (lambda: Reader.objects.values_list("id"), "values, not objects"),
    ],
)
def test_a_queryset_that_can_not_be_gone_through_is_refused(queryset: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rows(queryset(), cursor=None)


def test_a_join_that_doubles_objects_is_noticed() -> None:
    with pytest.raises(ValueError, match="two rows have the key 1"):
        list(rows(Reader.objects.extra(tables=[Loan._meta.db_table]), cursor=None, page=2))
