#!/usr/bin/env python3
"""The drawing's own test, on small trees of files made for it."""

import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import draw_rooms  # noqa: E402

TREE = {
    "src/core/error.h": "// one\n// two\n",
    "src/graph/graph.h": '#include "core/error.h"\n',
    "src/format/file.h": '#include "graph/graph.h"\n#include "core/error.h"\n',
    "src/format/file.cc": '#include "format/file.h"\n#include <string>\n',
    "src/format/file_test.cc": '#include "zoo/nets.h"\n',
    "src/zoo/nets.h": '#include "graph/graph.h"\n',
    "src/backend/backend.h": '#include "graph/graph.h"\n',
    "src/backend/ref/ref.cc": '#include "backend/backend.h"\n#include "backend/common/plain.h"\n',
    "src/backend/common/plain.h": '#include "graph/graph.h"\n',
    "src/backend/all.cc": '#include "backend/ref/ref.h"\n',
    "src/backend/ref/ref.h": "",
    "tools/command.h": "",
    "tools/sooner.cc": '#include "command.h"\n#include "format/file.h"\n#include "backend/backend.h"\n',
}


class DrawRoomsTest(unittest.TestCase):
    def facts(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return draw_rooms.read_facts(pathlib.Path(folder))

    def reasons(self, files):
        """Why the drawing of TREE is stale when the files are these."""
        return draw_rooms.stale(self.facts(files), draw_rooms.draw(self.facts(TREE)))

    def test_facts_are_the_files_but_tests_and_the_includes_that_follow_from_no_others(self):
        facts = self.facts(TREE)
        self.assertEqual(facts["sizes"]["format"], [2, 4])
        self.assertEqual(facts["sizes"]["core"], [1, 2])
        self.assertEqual(facts["edges"], [["backend", "backend/ref"], ["backend/common", "graph"],
                                          ["backend/ref", "backend/common"], ["format", "graph"], ["graph", "core"],
                                          ["sooner", "backend"], ["sooner", "format"], ["zoo", "graph"]])

    def test_a_row_is_one_above_the_highest_that_its_rooms_need(self):
        edges = [("a", "b"), ("b", "c"), ("d", "c"), ("a", "d")]
        self.assertEqual(draw_rooms.rows_of(["a", "b", "c", "d", "e"], edges), [["a"], ["b", "d"], ["c", "e"]])

    def test_places_keep_their_order_and_distance_and_move_as_little_as_can_be(self):
        self.assertEqual(draw_rooms.spread([0, 10, 50], [10, 10]), [0, 10, 50])
        # 20 and 20 share the way: 15 and 25. The third is pushed: (15 + 25 + 26) moves to 12, 22, 32.
        self.assertEqual(draw_rooms.spread([20, 20], [10]), [15, 25])
        self.assertEqual(draw_rooms.spread([20, 20, 26], [10, 10]), [12, 22, 32])

    def test_arrows_point_downward_and_boxes_do_not_overlap(self):
        facts = self.facts(TREE)
        boxes = {node: draw_rooms.Box(node, size) for node, size in facts["sizes"].items()}
        edges = [tuple(edge) for edge in facts["edges"]]
        ways, width, height = draw_rooms.place(boxes, edges)
        for (upper, lower), (begin, pieces, end) in ways.items():
            self.assertLess(boxes[upper].y, boxes[lower].y)
            heights = [begin, *(y for piece in pieces for y in (piece[1], piece[3])), end]
            self.assertEqual(heights, sorted(heights))
        placed = list(boxes.values())
        for i, one in enumerate(placed):
            self.assertGreaterEqual(one.x - one.width / 2, 0)
            self.assertLessEqual(one.x + one.width / 2, width)
            self.assertLessEqual(one.y + one.height, height)
            for other in placed[:i]:
                self.assertTrue(abs(one.x - other.x) >= (one.width + other.width) / 2 or
                                one.y + one.height <= other.y or other.y + other.height <= one.y)

    def test_the_drawing_is_xml_with_a_room_s_name_and_size(self):
        text = draw_rooms.draw(self.facts(TREE))
        words = [element.text for element in xml.etree.ElementTree.fromstring(text).iter() if element.tag.endswith("text")]
        for word in ("format", "2 files, 0 lines", "ref", "sooner"):
            self.assertIn(word, words)

    def test_a_drawing_is_fresh_until_a_room_or_an_arrow_changes(self):
        self.assertEqual(self.reasons(TREE), [])
        self.assertEqual(self.reasons(TREE | {"src/zoo/nets.h": '#include "format/file.h"\n'}),
                         ["the arrow zoo -> format is not drawn", "the arrow zoo -> graph is drawn"])
        self.assertEqual(self.reasons(TREE | {"src/data/idx.h": ""}), ["room data is not drawn"])
        without = {name: text for name, text in TREE.items() if not name.startswith("src/zoo")}
        self.assertEqual(self.reasons(without), ["drawn room zoo is none", "the arrow zoo -> graph is drawn"])

    def test_sizes_may_differ_by_a_quarter(self):
        lines = "// line\n" * 100
        old = draw_rooms.draw(self.facts({"src/core/a.h": lines}))
        self.assertEqual(draw_rooms.stale(self.facts({"src/core/a.h": lines + "// line\n" * 25}), old), [])
        reasons = draw_rooms.stale(self.facts({"src/core/a.h": lines + "// line\n" * 26}), old)
        self.assertEqual(reasons, ["core has 1 file, 130 lines, drawn are 1 file, 100 lines"])

    def test_a_drawing_changed_by_hand_or_missing_is_stale(self):
        facts = self.facts({"src/core/a.h": ""})
        drawing = draw_rooms.draw(facts)
        self.assertIn("changed by hand", draw_rooms.stale(facts, drawing.replace("core</text>", "kernel</text>"))[0])
        self.assertEqual(draw_rooms.stale(facts, ""), ["room core is not drawn"])


if __name__ == "__main__":
    unittest.main()
