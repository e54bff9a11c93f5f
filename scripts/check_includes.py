#!/usr/bin/env python3
"""Checks that includes point downward only: core below graph below format, and so on.

    check_includes.py [--root DIR]

A room is a folder under src/ (backend/ref and backend/onednn are rooms inside backend) with all folders in it that are
no rooms of their own (policy/rules). ROOMS says which rooms a room
may include; what those may include, it may too. The check also fails on an include that names no file and on a library's
headers outside the one room that wraps it.

A module is a header and the source of the same name. Modules that need each other are one module in two pieces, even
where no header includes the other: a.cc includes b.h and b.cc includes a.h. The check names such circles, of any length.

Locks are those of core/mutex.h, which say what they guard: std's own are a fault elsewhere in src/ and tools/. Time is
read in core/clock.cc alone.

bench/ measures what rooms do: it includes rooms, and no file of tools/.

The public headers, include/sooner/*.h, name rooms' headers and declare nothing themselves. They stand above the rooms,
so no room includes them; examples/ includes nothing else. What they reach is installed: it lies in PUBLIC_ROOMS and
needs no library but the standard's and PUBLIC_LIBRARIES. Prints one line a fault, exit code 1 if there are any.
"""

import argparse
import pathlib
import re
import sys

# Lowest to highest; the order is the direction, so a room may name only rooms above its own line.
ROOMS = {
    "core": [],
    "graph": ["core"],
    "zoo": ["graph"],
    "data": ["core"],
    "policy": ["core"],
    "format": ["graph", "policy"],  # a model file holds the calibration record, which lives in policy
    "onnx": ["format"],
    "recipe": ["data", "zoo", "policy", "format"],
    "run": ["recipe", "format"],
    "tune": ["policy", "format"],  # a stored logit table is a safetensors file
    "eval": ["tune"],
    # Pure rooms that a server, tiers and a simulator will share; they have their direction before they have files.
    "batching": ["core"],  # the rule by which a queue becomes micro-batches
    "wire": ["graph", "policy"],  # rows as bytes
    "control": ["policy"],  # thresholds in motion
    "backend/common": ["graph"],
    "backend/ref": ["backend/common"],
    "backend/onednn": ["backend/common"],
    "backend": ["backend/ref", "backend/onednn"],
    "runtime": ["graph", "format", "policy", "backend"],
    "check": ["graph", "backend", "runtime"],
    "quantize": ["graph", "check"],
    "profile": ["runtime", "backend"],
    "measure": ["runtime", "eval", "tune", "recipe", "data"],
    "train": ["run", "recipe", "graph", "zoo", "format", "data", "policy", "core"],
    "report": ["run", "eval", "core"],
    "cli": ["measure", "runtime", "policy"],  # what programs share: flags and printing
}
# The seam of the backend room lies in its own folder and is what the rooms inside it implement.
SEAMS = {"backend/backend.h": ["backend/common", "backend/ref", "backend/onednn"]}
# Rooms whose headers are installed where a public header reaches them; cmake/sooner_install.cmake installs the libraries.
PUBLIC_ROOMS = ["core", "graph", "zoo", "format", "data", "policy", "recipe", "run", "tune", "backend", "runtime", "check", "quantize",
                "profile", "eval", "measure"]
PUBLIC_LIBRARIES = re.compile(r"^fmt/")
# Who may include <sooner/…>: what is, or plays, a program of somebody else's.
STRANGERS = ("include/", "examples/", "tests/install/")
# Everything below may be used from here; nothing may include these.
TOP = ["tools", "tests", "bench", "examples"]
# The lean program holds no trainer: only these files may include it.
TRAINER_FILES = re.compile(r"^tools/sooner_train[a-z_]*\.(h|cc)$")
# Only these may use what stands under tests/.
TEST_FILES = re.compile(r"(_test\.cc|_test_support\.h)$")
# Header prefix of a library, and the one room that may see it.
WRAPPED = {
    "LibTorch": (re.compile(r"^(torch|ATen|c10|caffe2)/"), "train"),
    "oneDNN": (re.compile(r"^(oneapi/)?dnnl"), "backend/onednn"),
    "ONNX's schema": (re.compile(r"^onnx[a-z-]*\.pb\.h$"), "onnx"),
    "toml++": (re.compile(r"^toml\+\+/"), "recipe"),
    "gRPC": (re.compile(r"^(grpc|grpcpp|google/protobuf)/"), "serve"),
}
# std's locks, which no compiler checks, and the one file that may name them.
LOCK = re.compile(r"std::(\w*mutex|lock_guard|unique_lock|scoped_lock|shared_lock|condition_variable\w*)\b")
LOCK_HOME = "src/core/mutex.h"
# The machine's clock, and the one file that may read it: everybody else is given a Clock.
CLOCK = re.compile(r"std::chrono::(steady|high_resolution)_clock\b")
CLOCK_HOME = "src/core/clock.cc"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def reachable(room):
    """The rooms that `room` may include, itself among them."""
    found = {room}
    waiting = [room]
    while waiting:
        for lower in ROOMS[waiting.pop()]:
            if lower not in found:
                found.add(lower)
                waiting.append(lower)
    return found


def room_of(path):
    """The room of a path such as "graph/graph.h", or None. The longest name counts."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in ROOMS:
            return "/".join(parts)
        parts.pop()
    return None


def check_order():
    """Faults of the table itself."""
    names = list(ROOMS)
    return [f"ROOMS: '{room}' names '{lower}', which stands below it in the list"
            for room, lowers in ROOMS.items() for lower in lowers if names.index(lower) > names.index(room)]


def sources(root):
    for top in ["include", "src", *TOP]:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".inc"):
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def check_include(name, kind, header, files):
    """The fault of one include as text, or None. `files` holds every path below the root."""
    inside_src = name.startswith("src/")
    room = room_of(name[4:]) if inside_src else None
    for library, (prefix, home) in WRAPPED.items():
        if prefix.match(header) and room != home:
            return f"includes {library}'s <{header}>; only src/{home} may"
    if kind == "<" and header.startswith("sooner/"):
        if not name.startswith(STRANGERS):
            return f"includes <{header}>; public headers stand above the rooms: name the room's own header in quotes"
        return None if f"include/{header}" in files else f"includes <{header}>, which is no file below include/"
    if kind == "<":
        return f"includes <{header}>; the project's own headers stand in quotes" if f"src/{header}" in files else None
    if name.startswith("examples/"):
        return f'includes "{header}"; examples use <sooner/…> alone'
    if name.startswith("bench/") and header in files and header.startswith("tools/"):
        return f'includes "{header}"; bench/ uses rooms, what it shares with a tool belongs in one'
    here = name.rsplit("/", 1)[0]
    if f"src/{header}" not in files:
        if f"tests/{header}" in files and (name.startswith(("tests/", "bench/")) or TEST_FILES.search(name)):
            return None
        if not inside_src and (f"{here}/{header}" in files or header in files):
            return None
        return f'includes "{header}", which is no file below src/'
    other = room_of(header)
    if not inside_src:
        if other == "train" and not name.startswith("tests/") and not TRAINER_FILES.match(name):
            return f'includes "{header}"; of the tools only sooner_train*.cc may see the trainer'
        return None
    if room in SEAMS.get(header, []) or other in reachable(room):
        return None
    # A test may look further: its CMake file says so with TEST_DEPENDS, and no library gets the dependency.
    if TEST_FILES.search(name) and other != "train":
        return None
    return f'includes "{header}": room {room} may not see room {other}'


def check_public(texts):
    """Faults of the public headers and of what they reach."""
    faults = []
    waiting = []
    for name, text in texts.items():
        if not name.startswith("include/"):
            continue
        code = [line for line in text.splitlines() if line and not line.startswith(("//", "#"))]
        if code:
            faults.append(f"{name}: declares something of its own ('{code[0]}'); public headers name rooms' headers only")
        waiting += [(f"src/{header}", name) for kind, header in INCLUDE.findall(text) if kind == '"']
    reached = set()
    while waiting:
        name, public = waiting.pop()
        if name in reached or name not in texts:
            continue
        reached.add(name)
        if room_of(name[4:]) not in PUBLIC_ROOMS:
            faults.append(f"{name}: is reached by {public}, and its room is not one whose headers are installed")
        for kind, header in INCLUDE.findall(texts[name]):
            if kind == '"':
                waiting.append((f"src/{header}", public))
            elif ("/" in header or "." in header) and not PUBLIC_LIBRARIES.match(header):
                faults.append(f"{name}: is reached by {public} and includes <{header}>, which users would need too")
    return faults


def check_locks(texts):
    """Faults of locks that say nothing of what they guard."""
    return [f"{name}:{i}: names {found.group()}; use core/mutex.h, whose locks the compiler checks"
            for name, text in texts.items() if name.startswith(("src/", "tools/")) and name != LOCK_HOME
            for i, line in enumerate(text.splitlines(), 1) for found in LOCK.finditer(line.split("//")[0])]


def check_clocks(texts):
    """Faults of time that no test can hold in its hands."""
    return [f"{name}:{i}: reads {found.group()}; use core/clock.h"
            for name, text in texts.items() if name.startswith(("src/", "tools/", "bench/")) and name != CLOCK_HOME
            for i, line in enumerate(text.splitlines(), 1) for found in CLOCK.finditer(line.split("//")[0])]


def module_of(name):
    """The path of a header or a source without its ending."""
    return name.rsplit(".", 1)[0]


def included_file(name, header, texts):
    """The path from the root of what `name` includes as `header`, None for what is not the project's."""
    here = name.rsplit("/", 1)[0]
    for candidate in (f"src/{header}", f"include/{header}", f"tests/{header}", f"{here}/{header}", header):
        if candidate in texts:
            return candidate
    return None


def module_edges(texts):
    """Of each module, those that its header or its source includes. A source may include its own header, not the other
    way round."""
    edges = {}
    for name, text in texts.items():
        for _, header in INCLUDE.findall(text):
            other = included_file(name, header, texts)
            if other is None or (module_of(other) == module_of(name) and not name.endswith(".h")):
                continue
            edges.setdefault(module_of(name), set()).add(module_of(other))
    return edges


def shortest_circle(start, edges):
    """The modules from `start` back to it, both ends named, along as few includes as can be; empty where no way leads
    back."""
    paths = [[start]]
    seen = set()
    while paths:
        longer = []
        for path in paths:
            for other in sorted(edges.get(path[-1], ())):
                if other == start:
                    return [*path, start]
                if other not in seen:
                    seen.add(other)
                    longer.append([*path, other])
        paths = longer
    return []


def find_circles(edges):
    """For each module that needs itself, the shortest way round; equal ones once."""
    circles = {}
    for module in sorted(edges):
        circle = shortest_circle(module, edges)
        if circle:
            circles.setdefault(frozenset(circle), circle)
    return circles


def check_circles(texts):
    """Faults of modules that need each other."""
    return ["these need each other: " + " -> ".join(circle) for circle in find_circles(module_edges(texts)).values()]


def check(root):
    """All faults as lines of text."""
    faults = check_order()
    texts = dict(sources(root))
    for name, text in texts.items():
        if name.startswith("src/") and room_of(name[4:]) is None:
            if name.count("/") > 1:
                faults.append(f"{name}: its folder is no room; give it a line in ROOMS (scripts/check_includes.py)")
            continue
        for match in INCLUDE.finditer(text):
            kind, header = match.groups()
            fault = check_include(name, kind, header, texts)
            if fault:
                faults.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {fault}")
    return faults + check_public(texts) + check_circles(texts) + check_locks(texts) + check_clocks(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    faults = check(parser.parse_args().root)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
