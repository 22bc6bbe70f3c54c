"""Rows of Django as references: by primary key and database; who is not there, and what can't be asked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, models
from django.utils.functional import SimpleLazyObject

import kiq
from kiq import testing
from kiq.contrib import delayed
from kiq.contrib.delayed import delay, handle_asynchronously
from tests.helpers import django_project

pytestmark = pytest.mark.needs("django")

assert django_project  # sets Django up
greeted: list[object] = []


class Reader(delayed.Delayable, models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "kiq_delayed_tests"

    def greet(self) -> None:
        greeted.append(self.name)

    @handle_asynchronously
    def leave(self, why: str) -> None:
        greeted.append((self.name, why))


@delayed.delayable(show=("title",))
class Book(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=20)

    class Meta:
        app_label = "kiq_delayed_tests"

    def lend(self, to: Reader) -> None:
        greeted.append((self.title, to.name))


@delayed.delayable
class Shelf(models.Model):
    pk = models.CompositePrimaryKey("row", "place")
    row = models.IntegerField()
    place = models.IntegerField()

    class Meta:
        app_label = "kiq_delayed_tests"

    def dust(self) -> None:
        greeted.append((self.row, self.place))


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    with connection.schema_editor() as editor:
        for model in (Reader, Book, Shelf):
            editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        for model in (Reader, Book, Shelf):
            editor.delete_model(model)


@pytest.fixture(autouse=True)
def _emptied(unconfigured: None, fresh_host: kiq.Host) -> Iterator[None]:
    greeted.clear()
    with testing.scoped("fake"):
        yield
    delayed.worker.reset()


def test_a_row_is_loaded_anew() -> None:
    reader = Reader.objects.create(name="Ann")
    reader.delay().greet()
    reader.leave("moved")
    delay(SimpleLazyObject(lambda: Reader.objects.get(pk=reader.pk))).greet()  # as request.user is
    assert testing.jobs()[0].args == [{"$ref": f"{__name__}.Reader", "id": reader.pk}]
    Reader.objects.filter(pk=reader.pk).update(name="Eve")
    testing.drain()
    assert greeted == ["Eve", ("Eve", "moved"), "Eve"]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_keys_that_are_no_numbers_travel_in_both_codecs(codec: kiq.config.Codec) -> None:
    kiq.configure(codec=codec)
    reader, book = Reader.objects.create(name="Ann"), Book.objects.create(title="Emma")
    delay(book).lend(reader)
    assert testing.jobs()[0].args[0]["id"] == str(book.pk)
    assert testing.jobs()[0].args[0]["shown"] == {"title": "Emma"}
    delay(Shelf.objects.create(row=3, place=4)).dust()
    testing.drain()
    assert greeted == [("Emma", "Ann"), (3, 4)]
    Shelf.objects.all().delete()


def test_who_is_not_saved_or_gone_is_told_from_who_can_not_be_asked() -> None:
    with pytest.raises(delayed.NotDelayable, match="was not saved"):
        Reader(name="new").delay().greet()
    with pytest.raises(delayed.NotDelayable, match="was not saved"):
        Reader(pk=99, name="new").delay().greet()
    reader = Reader.objects.create(name="Ann")
    gone = Reader.objects.get(pk=reader.pk)
    reader.delete()
    gone.delay().greet()
    with pytest.raises(delayed.RefNotFound):
        testing.perform_one()
    gone._state.db = "elsewhere"
    gone.delay().greet()
    assert testing.jobs()[0].args[0]["using"] == "elsewhere"
    with pytest.raises(Exception, match="elsewhere") as caught:
        testing.perform_one()
    assert not isinstance(caught.value, delayed.RefNotFound)
