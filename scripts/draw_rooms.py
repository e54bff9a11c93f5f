#!/usr/bin/env python3
"""Draws the rooms and what they include of each other: docs/rooms.svg.

    draw_rooms.py [--check] [--root DIR]

Rooms and arrows come from the #include lines below src/, tools/ and include/ (tests left out), as
scripts/check_includes.py reads them. An arrow that follows from others is left out: where train includes format and
format includes graph, none goes from train to graph. All arrows point downward; a room stands one row above the highest
that it needs.

--check writes nothing and fails where the drawing is stale: another room, another arrow, or a number of files or lines
that is off by more than a quarter, so that not every commit needs a new drawing. Exit code 1 then.
"""

import argparse
import html
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_includes  # noqa: E402

DRAWING = "docs/rooms.svg"
# What stands above the rooms, as the drawing calls it; the first pattern that matches a path counts.
ABOVE = [
    ("sooner-train", re.compile(r"^tools/sooner_train")),
    ("sooner", re.compile(r"^tools/")),
    ("public headers", re.compile(r"^include/sooner/")),
]
# Numbers may be off by this part of the drawn ones before the drawing is stale.
TOLERANCE = 0.25

# Pixels.
WIDTH, HEIGHT, LIBRARY_HEIGHT = 156, 44, 14  # of a room; a line more where it wraps a library
GAP, ROW_GAP, MARGIN = 26, 54, 24
CENTRED = 0.3  # how strongly a room is drawn to the middle; one that it needs, or is needed by, counts 1
INNER_GAP, INNER_ROW_GAP, TITLE, PADDING = 12, 30, 42, 12  # of rooms in a room

STYLE = """
  text { font-family: "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; text-anchor: middle; fill: #24292f }
  .name { font-size: 15px; font-weight: 600 }
  .size { font-size: 11px; fill: #57606a }
  .library { font-size: 11px; font-style: italic; fill: #8a4b08 }
  .room { fill: #f6f8fa; stroke: #8c959f }
  .inner { fill: #ffffff; stroke: #8c959f }
  .above { fill: #ddf4ff; stroke: #54aeff }
  .arrow { fill: none; stroke: #6e7781; stroke-width: 1.3 }
  .head { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .size { fill: #9198a1 }
    .library { fill: #e3b341 }
    .room { fill: #161b22; stroke: #656c76 }
    .inner { fill: #0d1117; stroke: #656c76 }
    .above { fill: #121d2f; stroke: #316dca }
    .arrow { stroke: #9198a1 }
    .head { fill: #9198a1 }
  }
"""


def node_of(path):
    """The room or what stands above the rooms that a file belongs to; None for neither."""
    for name, pattern in ABOVE:
        if pattern.match(path):
            return name
    return check_includes.room_of(path[4:]) if path.startswith("src/") else None


def read_facts(root):
    """{"sizes": {room: [files, lines]}, "edges": [[room, room it includes]…]}, each edge that follows from others left out."""
    texts = {name: text for name, text in check_includes.sources(root) if not check_includes.TEST_FILES.search(name)}
    sizes, edges = {}, {}
    for name, text in texts.items():
        node = node_of(name)
        if node is None:
            continue
        files, lines = sizes.get(node, [0, 0])
        sizes[node] = [files + 1, lines + text.count("\n")]
        for _, header in check_includes.INCLUDE.findall(text):
            if node in check_includes.SEAMS.get(header, []):
                continue  # what rooms inside a room implement, lies in the folder around them
            other = node_of(check_includes.included_file(name, header, texts) or "")
            if other not in (None, node) and other not in [above for above, _ in ABOVE]:
                edges.setdefault(node, set()).add(other)
    reduced = [[node, other] for node in sorted(edges) for other in sorted(reduce(edges)[node])]
    return {"sizes": {node: sizes[node] for node in sorted(sizes)}, "edges": reduced}


def below(node, edges):
    """All that can be reached from `node`."""
    found, waiting = set(), [node]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def reduce(edges):
    """Without the edges that follow from others. REQUIRES: no circle."""
    result = {}
    for node, others in edges.items():
        follow = set().union(*(below(other, edges) for other in others)) if others else set()
        result[node] = others - follow
    return result


def outer(node, nodes):
    """The room around `node` that is drawn itself: "backend" of "backend/ref"."""
    while "/" in node and node.rsplit("/", 1)[0] in nodes:
        node = node.rsplit("/", 1)[0]
    return node


class Box:
    """A room in the drawing. x is its middle, y its upper edge; both relative to the room around it until it is placed."""

    def __init__(self, name, size, inner=(), inner_edges=()):
        self.name, self.size, self.inner, self.inner_edges = name, size, list(inner), list(inner_edges)
        self.libraries = [library for library, (_, home) in check_includes.WRAPPED.items() if home == name]
        self.width, self.height = WIDTH, HEIGHT + (LIBRARY_HEIGHT if self.libraries else 0)
        self.x = self.y = 0.0
        if self.inner:
            self.place_inner()

    def place_inner(self):
        rows = rows_of([box.name for box in self.inner], self.inner_edges)
        boxes = {box.name: box for box in self.inner}
        widest = max(len(row) for row in rows)
        self.width = widest * (WIDTH - 24) + (widest - 1) * INNER_GAP + 2 * PADDING
        y = TITLE
        for row in rows:
            for i, name in enumerate(row):
                box = boxes[name]
                box.width = WIDTH - 24
                box.x = (i - (len(row) - 1) / 2) * (box.width + INNER_GAP)
                box.y = y
            y += max(boxes[name].height for name in row) + INNER_ROW_GAP
        self.height = y - INNER_ROW_GAP + PADDING


def rows_of(nodes, edges):
    """The nodes in rows, highest first: each one row above the highest that it needs, what stands above the rooms in the
    first. Within a row by name."""
    needs = {node: [other for one, other in edges if one == node] for node in nodes}
    depth = {}

    def depth_of(node):
        if node not in depth:
            depth[node] = 1 + max((depth_of(other) for other in needs[node]), default=-1)
        return depth[node]

    for node in nodes:
        depth_of(node)
    for node, _ in ABOVE:
        if node in depth:
            depth[node] = max(depth.values())
    return [[node for node in sorted(nodes) if depth[node] == level] for level in range(max(depth.values()), -1, -1)]


def with_bends(rows, edges):
    """Rows with a bend of each edge in every row that it passes, and the edges from row to row. A bend is (edge, row)."""
    row_of = {node: i for i, row in enumerate(rows) for node in row}
    full = [list(row) for row in rows]
    pieces = []
    for node, other in edges:
        stops = [node]
        for row in range(row_of[node] + 1, row_of[other]):
            full[row].append((node, other, row))
            stops.append((node, other, row))
        stops.append(other)
        pieces += list(zip(stops, stops[1:]))
    return full, pieces


def crossings(upper, lower, pieces):
    """How many pieces between two rows cross."""
    place = {node: i for i, node in enumerate(upper)}
    under = {node: i for i, node in enumerate(lower)}
    ends = [(place[a], under[b]) for a, b in pieces if a in place and b in under]
    return sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])


def order_rows(rows, pieces):
    """Orders every row so that few pieces cross: by the mean place of neighbours, then by swapping neighbours in a row."""
    upward = {}
    downward = {}
    for a, b in pieces:
        downward.setdefault(a, []).append(b)
        upward.setdefault(b, []).append(a)

    def total(some):
        return sum(crossings(upper, lower, pieces) for upper, lower in zip(some, some[1:]))

    best = [list(row) for row in rows]
    for sweep in range(24):
        down = sweep % 2 == 0
        for i in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            fixed = {node: place for place, node in enumerate(rows[i - 1 if down else i + 1])}
            neighbours = upward if down else downward

            def mean(node, fixed=fixed, neighbours=neighbours, row=rows[i]):
                places = [fixed[other] for other in neighbours.get(node, []) if other in fixed]
                return sum(places) / len(places) if places else row.index(node)

            rows[i] = sorted(rows[i], key=mean)
        improved = True
        while improved:
            improved = False
            for row in rows:
                for k in range(len(row) - 1):
                    before = total(rows)
                    row[k], row[k + 1] = row[k + 1], row[k]
                    if total(rows) < before:
                        improved = True
                    else:
                        row[k], row[k + 1] = row[k + 1], row[k]
        if total(rows) < total(best):
            best = [list(row) for row in rows]
    return best


def spread(wanted, apart):
    """Places nearest to `wanted` (squares) in the same order, the next at least apart[i] behind the i-th."""
    offsets = [0.0]
    for gap in apart:
        offsets.append(offsets[-1] + gap)
    blocks = []  # [sum, count]
    for want, offset in zip(wanted, offsets):
        blocks.append([want - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    places = [total / count for total, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets)]


def place_across(rows, pieces, boxes):
    """x of every node and bend: near the mean of its neighbours', none over another."""
    neighbours = {}
    for a, b in pieces:
        # Long edges stay straight.
        weight = (1, 2, 60)[isinstance(a, tuple) + isinstance(b, tuple)]
        neighbours.setdefault(a, []).append((b, weight))
        neighbours.setdefault(b, []).append((a, weight))

    def width(node):
        return boxes[node].width if node in boxes else 4

    x = {}
    for row in rows:
        at = -sum(width(node) + GAP for node in row) / 2
        for node in row:
            x[node] = at + width(node) / 2
            at += width(node) + GAP
    for step in range(600):
        for row in rows if step % 2 == 0 else rows[::-1]:
            wanted = []
            for node in row:
                near = neighbours.get(node, [])
                weights = sum(weight for _, weight in near) + CENTRED
                wanted.append(sum(x[other] * weight for other, weight in near) / weights)
            apart = [(width(a) + width(b)) / 2 + GAP for a, b in zip(row, row[1:])]
            x.update(zip(row, spread(wanted, apart)))
    left = min(x[node] - width(node) / 2 for node in x)
    # Whole pixels: the last bit of a sum is not the same in every Python.
    return {node: float(round(at - left + MARGIN)) for node, at in x.items()}


def place(boxes, edges):
    """Places all boxes; returns the way of each edge as arrow() takes it, and width and height of the drawing."""
    rows, pieces = with_bends(rows_of(list(boxes), edges), edges)
    rows = order_rows(rows, pieces)
    x = place_across(rows, pieces, boxes)
    y, tops, bottoms = MARGIN, [], []
    for row in rows:
        height = max(boxes[node].height for node in row if node in boxes)
        for node in row:
            if node in boxes:
                boxes[node].x, boxes[node].y = x[node], y + (height - boxes[node].height) / 2
        tops.append(y)
        bottoms.append(y + height)
        y += height + ROW_GAP
    # Arrows leave and enter side by side, in the order of where they come from.
    ports = {}
    for a, b in pieces:
        ports.setdefault((a, "down"), []).append((x[b], b))
        ports.setdefault((b, "up"), []).append((x[a], a))

    def port(node, way, other):
        if node not in boxes:
            return x[node]
        ends = [name for _, name in sorted(ports[(node, way)], key=lambda end: (end[0], str(end[1])))]
        step = min(22, (boxes[node].width - 30) / max(1, len(ends)))
        return x[node] + (ends.index(other) - (len(ends) - 1) / 2) * step

    row_of = {node: i for i, row in enumerate(rows) for node in row}
    ways = {}
    for a, b in edges:
        stops = [a, *((a, b, row) for row in range(row_of[a] + 1, row_of[b])), b]
        points = []
        for upper, lower in zip(stops, stops[1:]):
            points.append((port(upper, "down", lower), bottoms[row_of[upper]], port(lower, "up", upper),
                           tops[row_of[lower]]))
        ways[(a, b)] = (boxes[a].y + boxes[a].height, points, boxes[b].y)
    right = max(box.x + box.width / 2 for box in boxes.values())
    return ways, max(right, max(x.values())) + MARGIN, y - ROW_GAP + MARGIN


def size_text(size):
    files, lines = size
    count = f"{lines / 1000:.1f} k" if lines >= 950 else str(round(lines, -1))
    return f"{files} file{'' if files == 1 else 's'}, {count} lines"


def arrow(begin, pieces, end):
    """An SVG path down from y = begin, along the pieces, each a bow between two rows, to an arrowhead at y = end."""
    path = f"M{pieces[0][0]:.1f},{begin:.1f}"
    for i, (x0, y0, x1, y1) in enumerate(pieces):
        if i + 1 == len(pieces):
            y1 = min(y1, end - 6)
        middle = (y0 + y1) / 2
        path += f" L{x0:.1f},{y0:.1f} C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    x = pieces[-1][2]
    return (f'<path class="arrow" d="{path} L{x:.1f},{end - 6:.1f}"/>\n'
            f'<path class="head" d="M{x - 4:.1f},{end - 8:.1f} L{x + 4:.1f},{end - 8:.1f} L{x:.1f},{end:.1f} Z"/>')


def draw_box(box, left=0.0, top=0.0, kind="room"):
    x, y = left + box.x, top + box.y
    lines = [f'<rect class="{kind}" x="{x - box.width / 2:.1f}" y="{y:.1f}" width="{box.width:.1f}" '
             f'height="{box.height:.1f}" rx="7"/>']
    name = box.name.rsplit("/", 1)[-1]
    lines.append(f'<text class="name" x="{x:.1f}" y="{y + 19:.1f}">{html.escape(name)}</text>')
    lines.append(f'<text class="size" x="{x:.1f}" y="{y + 34:.1f}">{size_text(box.size)}</text>')
    if box.libraries:
        lines.append(f'<text class="library" x="{x:.1f}" y="{y + 49:.1f}">sees {html.escape(", ".join(box.libraries))}'
                     "</text>")
    placed = {inner.name: inner for inner in box.inner}
    for a, b in box.inner_edges:
        upper, lower = placed[a], placed[b]
        begin, end = y + upper.y + upper.height, y + lower.y
        lines.append(arrow(begin, [(x + upper.x, begin, x + lower.x + (upper.x - lower.x) * 0.3, end)], end))
    lines += [draw_box(inner, x, y, "inner") for inner in box.inner]
    return "\n".join(lines)


def draw(facts):
    """The drawing as SVG text. The same facts give the same text."""
    nodes = facts["sizes"]
    groups = {}
    for node in nodes:
        groups.setdefault(outer(node, nodes), []).append(node)
    boxes = {}
    for group, members in groups.items():
        inside = [edge for edge in facts["edges"] if edge[0] in members and edge[1] in members and group not in edge]
        boxes[group] = Box(group, nodes[group], [Box(node, nodes[node]) for node in members if node != group], inside)
    edges = {}
    for a, b in facts["edges"]:
        if outer(a, nodes) != outer(b, nodes):
            edges.setdefault(outer(a, nodes), set()).add(outer(b, nodes))
    kept = [(a, b) for a, others in sorted(reduce(edges).items()) for b in sorted(others)]
    ways, width, height = place(boxes, kept)
    above = [name for name, _ in ABOVE]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
             f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="The rooms and what they include">',
             "<!-- Drawn by scripts/draw_rooms.py; do not edit. -->",
             f"<metadata>{html.escape(json.dumps(facts, sort_keys=True), quote=False)}</metadata>",
             f"<style>{STYLE}</style>"]
    parts += [arrow(*way) for _, way in sorted(ways.items())]
    parts += [draw_box(box, kind="above" if name in above else "room") for name, box in sorted(boxes.items())]
    return "\n".join([*parts, "</svg>"]) + "\n"


def drawn_facts(text):
    found = re.search(r"<metadata>(.*)</metadata>", text)
    return json.loads(html.unescape(found.group(1))) if found else {"sizes": {}, "edges": []}


def stale(facts, text):
    """Why the drawing `text` is stale, empty when it is not."""
    drawn = drawn_facts(text)
    reasons = [f"room {node} is not drawn" for node in facts["sizes"] if node not in drawn["sizes"]]
    reasons += [f"drawn room {node} is none" for node in drawn["sizes"] if node not in facts["sizes"]]
    reasons += [f"the arrow {a} -> {b} is not drawn" for a, b in facts["edges"] if [a, b] not in drawn["edges"]]
    reasons += [f"the arrow {a} -> {b} is drawn" for a, b in drawn["edges"] if [a, b] not in facts["edges"]]
    for node, size in facts["sizes"].items():
        if any(abs(new - old) > TOLERANCE * old for new, old in zip(size, drawn["sizes"].get(node, size))):
            reasons.append(f"{node} has {size_text(size)}, drawn are {size_text(drawn['sizes'][node])}")
    if not reasons and draw(drawn) != text:
        reasons.append("it was changed by hand, or drawn by another version of this script")
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where the drawing is stale")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    options = parser.parse_args()
    facts = read_facts(options.root)
    path = options.root / DRAWING
    if not options.check:
        path.write_text(draw(facts), encoding="utf-8")
        return 0
    reasons = stale(facts, path.read_text(encoding="utf-8") if path.is_file() else "")
    for reason in reasons:
        print(f"{DRAWING} is stale: {reason}; run scripts/draw_rooms.py")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
