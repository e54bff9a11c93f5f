#!/usr/bin/env python3
"""Runs clang-tidy on the project's files, passing over those unchanged since they last passed.

    run_clang_tidy.py [--build build/release] [--all] [FILE…]

A file is unchanged when its text, every header of the project it includes (directly or not), .clang-tidy, its compile
command and clang-tidy itself are the same. What passed is noted in build/clang_tidy_passed.json. Files of src/train and
tools/sooner_train*.cc are left out (LibTorch's headers take a minute each), and so are tests, whose macros are not
ours. Clang's analysis of locks is on: what says SOONER_GUARDED_BY is used with its mutex held (core/thread_annotations.h).
--all checks everything anew.
Prints the findings, then one line of summary to stderr; exit code 1 when there are findings.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLANG_TIDY = ROOT / "build/python/bin/clang-tidy"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)
LEFT_OUT = re.compile(r"^(src/train/.*|tools/sooner_train.*|.*_test\.cc|tests/.*)$")


def included_files(name, seen):
    """Adds `name` and all it includes of the project to `seen` (a set of paths from the root)."""
    if name in seen:
        return seen
    seen.add(name)
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = name.rpartition("/")[0]
    for header in INCLUDE.findall(text):
        for candidate in (f"src/{header}", f"include/{header}", f"tests/{header}", f"{folder}/{header}"):
            if (ROOT / candidate).is_file():
                included_files(candidate, seen)
                break
    return seen


def fingerprint(entry, name, common):
    digest = hashlib.sha256(common)
    digest.update(entry.get("command", " ".join(entry.get("arguments", []))).encode())
    for path in sorted(included_files(name, set())):
        digest.update(path.encode() + b"\0" + (ROOT / path).read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def gcc_headers():
    """The compiler's own header folder, "" without GCC."""
    try:
        result = subprocess.run(["g++", "-print-file-name=include"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()


def tidy_command():
    """clang-tidy and the arguments that every file gets."""
    # GCC's own warning flags mean nothing to clang.
    # Commands are compiled with a precompiled header of GCC's, which clang reads as text instead.
    # std::stable_sort of GCC 12 uses a function that C++17 calls deprecated.
    command = [str(CLANG_TIDY), "--quiet", f"--config-file={ROOT / '.clang-tidy'}"]
    command += [f"--extra-arg={flag}" for flag in (
        "-Wno-unknown-warning-option", "-Wno-deprecated-declarations", "-Wno-ignored-gch", "-Wthread-safety")]
    # GCC's folder, behind clang's own, holds omp.h, which uses an attribute with an argument that clang does not know.
    if gcc_headers():
        command += ["--extra-arg=-idirafter", f"--extra-arg={gcc_headers()}", "--extra-arg=-D__malloc__(free)=__malloc__"]
    return command


def run(build, name):
    """(name, findings as text; empty when there are none)."""
    command = [*tidy_command(), "-p", str(build)]
    result = subprocess.run([*command, str(ROOT / name)], capture_output=True, text=True, errors="replace", check=False)
    if result.returncode == 0:
        return name, ""
    return name, result.stdout.strip() or result.stderr.strip() or f"clang-tidy ended with {result.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    entries = {}
    for entry in json.loads((options.build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build"):
            entries[path.relative_to(ROOT).as_posix()] = entry
    wanted = [pathlib.Path(file).resolve().relative_to(ROOT).as_posix() for file in options.files]
    names = wanted or [name for name in sorted(entries) if not LEFT_OUT.match(name)]
    common = (ROOT / ".clang-tidy").read_bytes() + " ".join(tidy_command()).encode() + subprocess.run(
        [str(CLANG_TIDY), "--version"], capture_output=True, check=True).stdout
    store = ROOT / "build/clang_tidy_passed.json"
    try:
        passed = {} if options.all else json.loads(store.read_text())
    except (OSError, ValueError):
        passed = {}
    prints = {name: fingerprint(entries[name], name, common) for name in names}
    waiting = [name for name in names if passed.get(name) != prints[name]]
    faulty = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, findings in pool.map(lambda name: run(options.build, name), waiting):
            if findings:
                faulty.append(name)
                print(findings, flush=True)
            else:
                passed[name] = prints[name]
                # Written as it goes, so that an interrupted run is not for nothing.
                temporary = store.with_suffix(".tmp")
                temporary.write_text(json.dumps(passed, indent=0, sort_keys=True))
                temporary.replace(store)
    print(f"clang-tidy: {len(waiting)} of {len(names)} files checked, the others are unchanged; "
          f"{len(faulty)} with findings", file=sys.stderr)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
