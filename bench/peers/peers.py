"""Times this engine beside other runtimes on one model, in one run, taking turns.

    bench/peers/run MODEL.safetensors [--plain PLAIN.safetensors] [--threads 1,2] [--batch 1,16,128] [--rounds 9] …

Every contender is a process that computes only when told to; each round gives every contender one pass over the same
real test images, so that a noisy machine is noisy for all of them. Contenders without exits compute the same network:
the backbone of MODEL, or PLAIN where one is given. Before anything is timed, everyone answers the whole test split:
fp32 logits must agree to 1e-4 of the largest, and a precision counts only within 0.3 points of the contender's own fp32. The
rivals are called from Python, this engine from C++; what an empty graph costs a rival per call is measured too, and the
column "net" takes it off. Prints tables, writes a CSV. Exit code 1: somebody's answers are wrong.
"""

import argparse
import contextlib
import csv
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx

import figures
import quantize
import runtimes
from worker_process import CannotTakePart, WorkerProcess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUR_PRECISIONS = ("fp32", "bf16", "int8")
AGREEMENT = 1e-4
# Idle threads of a runtime spin for a moment after its turn; the next turn waits until they sleep.
PAUSE_S = 0.01


class Comparison:
    def __init__(self, options):
        self.options = options
        self.work = options.work
        self.work.mkdir(parents=True, exist_ok=True)
        self.plain_model = options.plain or options.model
        self.samples_folder = self.work / "samples"
        self._call(options.bin / "dump_samples", options.model, self.samples_folder)
        self.onnx = {name: self.work / f"{name}.onnx" for name in ("fp32", "int8", "empty")}
        self._call(options.bin / "sooner", "export", self.plain_model, "--plain", "-o", self.onnx["fp32"])
        self.shapes = json.loads((self.samples_folder / "samples.json").read_text())
        shape = self.shapes["image_shape"]
        calibration = np.fromfile(self.samples_folder / "calibration.f32", np.float32).reshape(-1, *shape)
        quantize.quantize(self.onnx["fp32"], self.onnx["int8"], calibration)
        write_empty_graph(self.onnx["empty"], shape)
        self.labels = np.fromfile(self.samples_folder / "labels.i32", np.int32)
        self.answers = {}  # (contender, precision) -> what the whole test split gave
        self.machine = {}

    def _call(self, *command):
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)

    def _start(self, contender, precision, batch, threads, graph=None):
        """`graph`: another file than the one of this precision."""
        log = self.work / f"{contender}-{precision}.log".replace(" ", "_").replace(",", "")
        samples = self.options.samples
        if contender in runtimes.RUNTIMES:
            path = self.onnx[graph or ("int8" if precision == "int8" else "fp32")]
            command = [sys.executable, HERE / "peer_worker.py", contender, path, self.samples_folder, precision, batch,
                       threads, samples]
        else:
            exits = contender == "sooner, exits"
            command = [self.options.bin / "engine_worker", self.options.model if exits else self.plain_model,
                       self.samples_folder, "--precision", precision, "--batch", batch, "--threads", threads,
                       "--samples", samples]
            if not exits:
                command.append("--plain")
            elif self.options.policy:
                command += ["--policy", self.options.policy]
        worker = WorkerProcess(command, log)
        if worker.hello["precision"] != precision:
            worker.close()
            raise CannotTakePart(f"computes {worker.hello['precision']} when asked for {precision}")
        return worker

    def contenders(self):
        for name in ("sooner", "sooner, exits"):
            for precision in OUR_PRECISIONS:
                yield name, precision
        for name, runtime in runtimes.RUNTIMES.items():
            if name in self.options.without:
                continue
            for precision in runtime.precisions:
                yield name, precision

    def collect_answers(self):
        for name, precision in self.contenders():
            path = self.work / "answers.f32"
            try:
                with contextlib.closing(self._start(name, precision, 128, max(self.options.threads))) as worker:
                    worker.ask(f"answers {path}")
                    hello = worker.hello
            except CannotTakePart as reason:
                say(f"{name} {precision} takes no part: {reason}")
                continue
            logits = np.fromfile(path, np.float32).reshape(len(self.labels), -1)
            answer = {"logits": logits, "accuracy": float(np.mean(np.argmax(logits, axis=1) == self.labels)),
                      "hello": hello, "macs": 1.0, "shares": []}
            if name.startswith("sooner"):
                self.machine = {"cpu": hello["cpu"], "instruction_sets": hello["instruction_sets"]}
                if name == "sooner, exits":
                    exits = np.fromfile(f"{path}.exits", np.int32).tolist()
                    answer["macs"], answer["shares"] = figures.macs_of_plain(exits, hello["exit_fraction"])
            self.answers[name, precision] = answer
            say(f"{name} {precision}: accuracy {100 * answer['accuracy']:.2f} %")
        self._check_agreement()

    def _check_agreement(self):
        """Everyone's fp32 against this engine's, on every sample."""
        expected = self.answers["sooner", "fp32"]["logits"]
        largest = float(np.max(np.abs(expected)))
        for (name, precision), answer in self.answers.items():
            if precision != "fp32" or name == "sooner, exits":
                continue
            worst = float(np.max(np.abs(answer["logits"] - expected)))
            if not worst <= AGREEMENT * largest:
                sys.exit(f"peers: {name} fp32 differs from sooner by {worst:g}, allowed are {AGREEMENT * largest:g}")

    def _rows(self, threads, batch):
        rows = []
        for (name, precision), answer in self.answers.items():
            version, ours = answer["hello"]["version"], name.startswith("sooner")
            rows.append(figures.Row(name, precision, version, threads, batch, ours, accuracy=answer["accuracy"],
                                    macs_of_plain=answer["macs"], exit_shares=answer["shares"]))
        figures.decide_who_counts(rows)
        return rows

    def time(self, threads, batch):
        """One table's rows, timed in turns."""
        rows = self._rows(threads, batch)
        with contextlib.ExitStack() as stack:
            def start(*arguments):
                return stack.enter_context(contextlib.closing(self._start(*arguments)))

            turns = [(row, start(row.contender, row.precision, batch, threads)) for row in rows]
            empty = {}
            for name in {row.contender for row in rows if not row.ours}:
                version = next(row.version for row in rows if row.contender == name)
                empty[name] = figures.Row(name, "fp32", version, threads, batch, ours=False)
                turns.append((empty[name], start(name, "fp32", batch, threads, "empty")))
            for number in range(-1, self.options.rounds):
                shift = number % len(turns)
                for row, worker in turns[shift:] + turns[:shift]:
                    time.sleep(PAUSE_S)
                    answer = worker.ask("run 1")
                    if number < 0:
                        continue  # warms up
                    row.samples = worker.hello["samples"]
                    row.wall_us.append(sum(answer["call_us"][0]) / row.samples)
                    row.cpu_us.append(answer["cpu_us"][0] / row.samples)
                    row.rounds_us.append((row.cpu_us if self.options.clock == "cpu" else row.wall_us)[-1])
                    row.calls_us += answer["call_us"][0]
                    if row not in empty.values():
                        self._check_pass(row, answer["right"])
        for row in rows:
            if not row.ours:
                row.call_overhead_us = empty[row.contender].median_us
        return rows

    def _check_pass(self, row, right):
        """The timed pass must have answered as the whole test split did."""
        known = self.answers[row.contender, row.precision]["logits"][: row.samples]
        expected = int(np.sum(np.argmax(known, axis=1) == self.labels[: row.samples]))
        if abs(right - expected) > figures.ACCURACY_MARGIN * row.samples:
            sys.exit(f"peers: {row.contender} {row.precision} got {right} of {row.samples} images right while timed "
                     f"with batch {row.batch}, {expected} before")


def write_empty_graph(path, shape):
    """A graph with next to no arithmetic and one output [batch, channels]."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("GlobalAveragePool", ["input"], ["map"]),
             helper.make_node("Flatten", ["map"], ["logits"])]
    graph = helper.make_graph(nodes, "empty", [helper.make_tensor_value_info("input", kind, ["batch", *shape])],
                              [helper.make_tensor_value_info("logits", kind, ["batch", shape[0]])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def say(text):
    print(text, file=sys.stderr, flush=True)


def commit():
    result = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"],
                            capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def integers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--plain", type=pathlib.Path, help="the same network trained without exits")
    parser.add_argument("--policy", help="one the model was tuned for; default: the model's own")
    parser.add_argument("--threads", type=integers, default=[1, 2])
    parser.add_argument("--batch", type=integers, default=[1, 16, 128])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=512, help="of one pass, in whole batches")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                        help="cpu: ratios of the processor time spent, for one thread on a machine that others load")
    parser.add_argument("--without", action="append", default=[], choices=list(runtimes.RUNTIMES))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/peers/work", help="folder for what is made")
    parser.add_argument("--csv", type=pathlib.Path, help="default: peers.csv in the work folder")
    options = parser.parse_args()
    if options.clock == "cpu" and options.threads != [1]:
        parser.error("--clock cpu counts what threads burn while they wait; give --threads 1 with it")
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(options.work / "compiled"))

    comparison = Comparison(options)
    comparison.collect_answers()
    run = {"commit": commit(), **comparison.machine, "network": comparison.shapes["network"],
           "data_set": comparison.shapes["data_set"], "model_hash": comparison.shapes["model_hash"],
           "clock": options.clock}
    path = options.csv or options.work / "peers.csv"
    print(f"{run['network']} on {run['data_set']}, {run['cpu']} ({run['instruction_sets']}), commit {run['commit']}")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, figures.CSV_COLUMNS)
        writer.writeheader()
        for threads in options.threads:
            for batch in options.batch:
                rows = comparison.time(threads, batch)
                best = figures.compare(rows)
                writer.writerows(figures.csv_record(row, run) for row in rows)
                file.flush()
                print(f"\nthreads {threads}, batch {batch}, {options.rounds} rounds, {options.clock} clock; * the best "
                      "rival; above 1: faster than it", *figures.table(rows, best), sep="\n", flush=True)
    say(f"peers: wrote {path}")


if __name__ == "__main__":
    try:
        main()
    except (CannotTakePart, subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"peers: {error}")
