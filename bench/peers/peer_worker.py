"""One rival as a process that computes when it is told to, and only then.

Usage: peer_worker.py RUNTIME FILE.onnx FOLDER PRECISION BATCH THREADS SAMPLES

Speaks the lines of bench/engine_worker.cc (which has them in full): a line of JSON at the start, then "answers PATH"
and "run K" on stdin, a line of JSON each on stdout. FOLDER is dump_samples'.
"""

import json
import pathlib
import sys
import time

import numpy as np

import runtimes


class Worker:
    def __init__(self, runtime, path, folder, precision, batch, threads, samples):
        shapes = json.loads((folder / "samples.json").read_text())
        self.labels = np.fromfile(folder / "labels.i32", np.int32)
        self.images = np.fromfile(folder / "images.f32", np.float32).reshape(len(self.labels), *shapes["image_shape"])
        self.batch = batch
        self.samples = max(batch, min(samples, len(self.labels)) // batch * batch)
        self.peer = runtimes.RUNTIMES[runtime](path, precision, batch, threads)
        self.handles = [self.peer.prepare(np.ascontiguousarray(self.images[at : at + batch]))
                        for at in range(0, self.samples, batch)]

    def answers(self, path):
        """All samples; the last batch is filled up with copies of its first."""
        logits = []
        for at in range(0, len(self.labels), self.batch):
            images = self.images[at : at + self.batch]
            filled = np.concatenate([images, np.repeat(images[:1], self.batch - len(images), axis=0)])
            logits.append(np.array(self.peer.infer(self.peer.prepare(filled)), np.float32)[: len(images)])
        np.concatenate(logits).tofile(path)
        return {"samples": len(self.labels)}

    def run(self, passes):
        answer = {"call_us": [], "cpu_us": []}
        for _ in range(passes):
            calls, cpu, right = [], 0, 0
            for index, handle in enumerate(self.handles):
                cpu_begin = time.process_time_ns()
                begin = time.perf_counter_ns()
                logits = self.peer.infer(handle)
                calls.append((time.perf_counter_ns() - begin) * 1e-3)
                cpu += time.process_time_ns() - cpu_begin
                labels = self.labels[index * self.batch : (index + 1) * self.batch]
                right += int(np.sum(np.argmax(logits, axis=1) == labels))
            answer["call_us"].append(calls)
            answer["cpu_us"].append(cpu * 1e-3)
        answer["right"] = right
        return answer


def main(arguments):
    runtime, path, folder, precision = arguments[:4]
    batch, threads, samples = (int(text) for text in arguments[4:])
    worker = Worker(runtime, path, pathlib.Path(folder), precision, batch, threads, samples)
    hello = {"contender": runtime, "version": worker.peer.version, "precision": precision, "samples": worker.samples}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "answers":
            answer = worker.answers(rest)
        elif command == "run":
            answer = worker.run(int(rest))
        else:
            sys.exit(f"peer_worker: got the command '{line.strip()}', expected 'answers PATH' or 'run K'")
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (RuntimeError, ImportError, OSError) as error:
        sys.exit(f"peer_worker: {' '.join(str(error).split())[:300]}")
