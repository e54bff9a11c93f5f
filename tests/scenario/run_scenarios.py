#!/usr/bin/env python3
"""Runs text scenarios: a command in, expected exit code, lines and errors out.

    run_scenarios.py --sooner PROGRAM [--examples FOLDER] [--has train] [--has onednn] [--has onnx] FILE…

Exit code 0: all passed; 1: one failed; 2: a scenario or the command line cannot be read; 77: all were skipped.

A scenario is a text file; every line begins with its kind:

    # a remark                      also blank lines
    requires: train data            skipped unless the build or the machine has all of these: train, onednn, onnx, data
                                    (SOONER_DATA names a folder), user (not root), python (the private environment),
                                    examples
    timeout: 60                     seconds for each command from here on (300 when left out)
    file {tmp}/bad.toml             writes a file: the lines below that begin with '|', without "| "
    | [train]
    | epochs = 0
    $ {sooner} train {tmp}/bad.toml runs a command by bash, in the folder {tmp}
    ? 2                             its exit code; 0 when left out
    > all of this line              stdout holds these lines, in this order, others may stand between
    > accuracy ... %                ... stands for any run of characters
    ! [config] ...: epochs          stderr, likewise
    x> ...nan...                    no line of stdout looks like this
    x! ...Traceback...              no line of stderr looks like this

A line must match from beginning to end; runs of blanks count as one blank, and blanks at the ends as none. {sooner}
is the program, {examples} the folder of the built examples, {tmp} a fresh folder that is removed afterwards, {data} the
folder of data sets, {python} the private Python environment's interpreter, {root} the checkout. Other braces mean
themselves. SOONER_DATA is unset for the commands unless the scenario requires data.
"""

import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
KINDS = ("x>", "x!", "$", "?", ">", "!")


class BadScenario(Exception):
    """The scenario's text is wrong, as opposed to what the program did."""


class Step:
    """One command and what is expected of it."""

    def __init__(self, line, command, timeout):
        self.line = line
        self.command = command
        self.timeout = timeout
        self.code = 0
        self.wanted = {">": [], "!": []}
        self.unwanted = {">": [], "!": []}
        self.files = []  # (path, text), written before the command


class Scenario:
    """What a file says, not yet run."""

    def __init__(self, path):
        self.path = path
        self.requires = []
        self.steps = []
        files = []
        timeout = 300
        for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            text = raw.strip()
            try:
                if not text or text.startswith("#"):
                    continue
                if text.startswith("requires:"):
                    self.requires += text.split(":", 1)[1].split()
                elif text.startswith("timeout:"):
                    timeout = float(text.split(":", 1)[1])
                elif text.startswith("file "):
                    files.append((text[5:].strip(), []))
                elif text.startswith("|"):
                    if not files:
                        raise BadScenario("a '|' line without a 'file' line above it")
                    files[-1][1].append(raw.lstrip()[1:].removeprefix(" "))
                else:
                    files = self._step_line(text, number, timeout, files)
            except (BadScenario, ValueError) as error:
                raise BadScenario(f"{path}:{number}: {error}") from None
        if not self.steps:
            raise BadScenario(f"{path}: no command; expected a line that begins with '$'")

    def _step_line(self, text, number, timeout, files):
        kind = next((kind for kind in KINDS if text == kind or text.startswith(kind + " ")), None)
        if kind is None:
            raise BadScenario(f"'{text}' begins with no known kind; see run_scenarios.py --help")
        rest = text[len(kind):].strip()
        if kind == "$":
            step = Step(number, rest, timeout)
            step.files = files
            self.steps.append(step)
            return []
        if not self.steps:
            raise BadScenario(f"'{kind}' before any command")
        step = self.steps[-1]
        if kind == "?":
            step.code = int(rest)
        elif kind.startswith("x"):
            step.unwanted[kind[1]].append((number, rest))
        else:
            step.wanted[kind].append((number, rest))
        return files


def squeeze(text):
    return " ".join(text.split())


def pattern(text):
    return re.compile(".*".join(re.escape(part) for part in squeeze(text).split("...")), re.DOTALL)


def judge(step, code, output):
    """What is wrong, as lines for a person; empty when all is as expected. `output` maps '>' and '!' to text."""
    faults = []
    if code != step.code:
        faults.append(f"line {step.line}: exit code {code}, expected {step.code}")
    for stream, name in ((">", "stdout"), ("!", "stderr")):
        lines = [squeeze(line) for line in re.split(r"[\r\n]", output[stream])]
        at = 0
        for number, text in step.wanted[stream]:
            wanted = pattern(text)
            found = next((i for i in range(at, len(lines)) if wanted.fullmatch(lines[i])), None)
            if found is None:
                earlier = any(wanted.fullmatch(line) for line in lines[:at])
                faults.append(f"line {number}: {name} has no line '{text}'" + (
                    " after those before it (it stands earlier)" if earlier else ""))
                break
            at = found + 1
        for number, text in step.unwanted[stream]:
            if any(pattern(text).fullmatch(line) for line in lines):
                faults.append(f"line {number}: {name} has a line '{text}', expected none")
    return faults


def run_command(command, folder, environment, timeout):
    """Exit code (None: out of time), stdout, stderr. The command's whole process group ends with it."""
    process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return None, out, err


def missing_requirement(scenario, offers):
    known = {"train": "train" in offers, "onednn": "onednn" in offers, "onnx": "onnx" in offers,
             "examples": "examples" in offers, "user": os.geteuid() != 0, "data": bool(os.environ.get("SOONER_DATA")),
             "python": (ROOT / "build/python/bin/python").exists()}
    for requirement in scenario.requires:
        if requirement not in known:
            raise BadScenario(f"{scenario.path}: requires '{requirement}', expected {', '.join(sorted(known))}")
        if not known[requirement]:
            return requirement
    return None


def run_scenario(scenario, sooner, examples):
    """Faults as lines; empty when it passed."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    data = environment.pop("SOONER_DATA", "")
    environment.pop("XDG_CACHE_HOME", None)
    if "data" in scenario.requires:
        data = str(pathlib.Path(data).resolve())
        environment["SOONER_DATA"] = data
    with tempfile.TemporaryDirectory(prefix="sooner-scenario-") as folder:
        environment["HOME"] = folder
        words = {"{sooner}": shlex.quote(str(sooner)), "{examples}": shlex.quote(str(examples)), "{tmp}": folder,
                 "{data}": shlex.quote(data), "{python}": str(ROOT / "build/python/bin/python"), "{root}": str(ROOT)}

        def expand(text):
            for word, meaning in words.items():
                text = text.replace(word, meaning)
            return text

        for step in scenario.steps:
            for path, lines in step.files:
                pathlib.Path(folder, expand(path)).write_text("".join(expand(line) + "\n" for line in lines))
            for expected in (step.wanted, step.unwanted):
                for stream in expected:
                    expected[stream] = [(number, expand(text)) for number, text in expected[stream]]
            code, out, err = run_command(expand(step.command), folder, environment, step.timeout)
            if code is None:
                faults = [f"line {step.line}: still running after {step.timeout:g} s"]
            else:
                faults = judge(step, code, {">": out, "!": err})
            if faults:
                return [f"{scenario.path}: $ {step.command}", *faults, "--- stdout", out.rstrip(), "--- stderr",
                        err.rstrip()]
    return []


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sooner", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--examples", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--has", action="append", default=[], choices=["train", "onednn", "onnx"])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args(arguments)
    failed = skipped = 0
    try:
        for path in options.files:
            scenario = Scenario(path)
            lacks = missing_requirement(scenario, options.has + ["examples"] * bool(options.examples))
            if lacks:
                print(f"skipped {path.stem}: needs {lacks}")
                skipped += 1
                continue
            faults = run_scenario(scenario, options.sooner, options.examples)
            print("\n".join([f"failed {path.stem}", *faults]) if faults else f"passed {path.stem}")
            failed += bool(faults)
    except (BadScenario, OSError) as error:
        print(f"run_scenarios: {error}", file=sys.stderr)
        return 2
    if failed:
        return 1
    return SKIPPED if skipped == len(options.files) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
