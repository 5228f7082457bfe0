"""Which entries of a job's gallery are the generated pictures, as hosts arrange them. Needs no host."""

from lib_facerestore.webui.jobs.job_pictures import items_of


def places(images, texts, seen, first=0):
    """What is a generated picture and its text, for every entry."""
    items = items_of(images, texts, first, seen)
    return [(item.text, item.index) for item in items if item.is_base]


def test_masks_without_texts_stand_behind_their_pictures():
    a, mask_a, b, mask_b = (object() for _ in range(4))

    assert places([a, mask_a, b, mask_b], ["A", "B"], [a, b]) == [("A", 0), ("B", 1)]
    assert places([a, mask_a, b, mask_b], ["A", "B"], [object(), object()]) == [("A", 0), ("B", 1)]


def test_masks_with_texts_stand_before_their_pictures():
    grid, mask_a, a, mask_b, b = (object() for _ in range(5))
    texts = ["grid", "Mask", "A", "Mask", "B"]

    assert places([grid, mask_a, a, mask_b, b], texts, [a, b], 1) == [("A", 0), ("B", 1)]
    assert places([grid, mask_a, a, mask_b, b], texts, [object(), object()], 1) == [("A", 0), ("B", 1)]


def test_texts_of_its_own_do_not_make_a_mask_of_what_another_extension_added():
    a, added = object(), object()

    assert places([a, added], ["A", "A"], [a])[0] == ("A", 0)


def test_unknown_pictures_of_a_gallery_that_fits_no_arrangement_are_left_alone():
    a, *others = (object() for _ in range(5))

    assert places([a, *others], ["A", "B", "C"], [a, object(), object()]) == [("A", 0)]
    assert places([a], ["A", "B", "C"], [object(), object(), object()]) == [("A", 0)]
    assert places([], ["A"], [object()]) == []
