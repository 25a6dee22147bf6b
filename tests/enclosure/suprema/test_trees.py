"""Trees of cells and the codes of their leaves."""

from __future__ import annotations

from certflow.enclosure.suprema.trees import BY_TAYLOR, Tree, by_face, by_pair, by_region

TREE = Tree([0, by_pair(1, 12), 1, by_face(3), 0, by_face(10), by_region(3), BY_TAYLOR])


def test_leaves_are_counted() -> None:
    assert TREE.leaves == 5
    assert Tree([BY_TAYLOR]).leaves == 1


def test_faces_are_read_again() -> None:
    """A region of the same number is no face."""
    assert TREE.faces == {3, 10}
    assert Tree([by_region(7)]).faces == set()


def test_the_text_has_the_faces_numbered_anew() -> None:
    assert TREE.text({3: 0, 10: 1}) == "0 P1,12 1 F0 0 F1 R3 T"
