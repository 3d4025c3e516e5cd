"""A list is complete only when that is certain."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.ims.answer import AnswerError
from batch_register.ims.codes import OwnCode
from batch_register.ims.paging import PageSizes, Walk
from batch_register.ims.wire import Page
from batch_register.model import ImageId, ImageStatus, ImageView


def view(name: str, status: ImageStatus = ImageStatus.QUEUED) -> ImageView:
    return ImageView(image_id=ImageId(name), name=name, status=status)


def page(names: str, next_marker: str | None = None) -> Page:
    return Page(images=tuple(view(name) for name in names), next_marker=next_marker)


def walk(sizes: PageSizes | None = None, *, single: bool = False) -> Walk:
    return Walk(sizes or PageSizes(), limit=3, single=single)


def seen(walk: Walk) -> str:
    return "".join(image.name for image in walk.images)


def test_an_empty_page_ends_a_list():
    one = walk()
    assert [one.take(page("abc")), one.take(page(""))] == ["c", None]
    assert seen(one) == "abc"


def test_a_short_page_may_be_capped_and_is_followed():
    """The service gives two at a time although three were asked for."""
    one = walk()
    taken = [one.take(page("ab")), one.take(page("cd")), one.take(page("e"))]
    assert (taken, seen(one)) == (["b", "d", None], "abcde")


def test_a_page_smaller_than_one_seen_before_is_the_last():
    sizes = PageSizes()
    first = walk(sizes)
    first.take(page("abc"))
    first.take(page(""))
    second = walk(sizes)
    assert second.take(page("ab")) is None


def test_a_named_marker_is_followed_even_from_an_empty_page():
    one = walk()
    taken = [one.take(page("ab", "x")), one.take(page("", "y")), one.take(page(""))]
    assert taken == ["x", "y", None]


def test_a_search_for_one_id_needs_one_page():
    assert walk(single=True).take(page("a")) is None


@pytest.mark.fault(31)
def test_an_image_that_shows_twice_counts_once_as_seen_last():
    one = walk()
    one.take(page("ab"))
    last = view("b", ImageStatus.ACTIVE)
    one.take(Page(images=(last, view("c"))))
    assert one.images == [view("a"), last, view("c")]


def test_a_marker_that_is_part_of_its_page_does_not_go_on_for_ever():
    one = walk()
    assert [one.take(page("ab")), one.take(page("b"))] == ["b", None]


def test_an_ignored_marker_is_accepted_where_one_page_holds_everything():
    one = walk()
    assert [one.take(page("ab")), one.take(page("ab"))] == ["b", None]


def test_full_pages_that_repeat_are_no_list():
    one = walk()
    one.take(page("abc"))
    with pytest.raises(AnswerError) as caught:
        one.take(page("abc"))
    assert caught.value.code is OwnCode.LIST_STUCK


@pytest.mark.fault(31)
def test_pages_without_end_are_no_list():
    one = walk()

    def go_on() -> None:
        for number in range(2000):
            one.take(Page(images=(view(str(number)),)))

    with pytest.raises(AnswerError) as caught:
        go_on()
    assert caught.value.code is OwnCode.LIST_STUCK


@pytest.mark.fault(31)
@given(st.integers(0, 40), st.integers(1, 10), st.integers(1, 10), st.booleans())
def test_nothing_is_hidden_whatever_the_service_caps(total, limit, cap, names_marker):
    """For any cap, known or not, every image is seen, in any number of lists."""
    names = [str(number) for number in range(total)]
    sizes = PageSizes()
    for count in (total, total // 2, total):
        one = Walk(sizes, limit=limit, single=False)
        marker: str | None = None
        while True:
            start = names.index(marker) + 1 if marker else 0
            chunk = names[start : min(count, start + min(limit, cap))]
            more = names_marker and chunk and start + len(chunk) < count
            marker = one.take(
                Page(
                    images=tuple(view(name) for name in chunk),
                    next_marker=chunk[-1] if more else None,
                )
            )
            if marker is None:
                break
        assert [image.name for image in one.images] == names[:count]
