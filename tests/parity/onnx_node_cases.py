"""Puts the ONNX project's own node cases through the importer and says which agree and which are refused.

Usage: onnx_node_cases.py WORKER PAGE [--write]

Each single-node case of an operation that the importer reads becomes a classifier in up to three ways: with the case's
first input as the network's value (whatever rank it has, its other inputs as weights, an identity matrix behind it), with
all its inputs as parts of one, and with all as weights (their result is the last layer's bias). What fits none of them is
imported as it is, to be refused. The WORKER (onnx_import_worker) imports and answers on the
reference backend. A case agrees where one of them does, within 1e-5 of its largest
number, or 1e-6 (6e-5 where it gives four decimals); every other one must
be refused with a message that names the node. The lists in PAGE must be these; --write puts them there. Exit code 1
where a case answers otherwise, or the page is not up to date.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BEGIN, END = "<!-- node cases: begin -->", "<!-- node cases: end -->"
LARGEST = 1 << 14  # values of one sample: the identity matrix has the square of that


def fail(message):
    sys.exit(f"onnx_node_cases: {message}")


def single_node_cases(operations):
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    for case in cases:
        if case.model is None or len(case.model.graph.node) != 1 or not case.data_sets:
            continue
        node = case.model.graph.node[0]
        if node.domain == "" and node.op_type in operations:
            yield case, node


def model_of(case, nodes, images, classes, initializers):
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, images)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [images[0], classes])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=case.model.opset_import, ir_version=case.model.ir_version)


def initializer(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def constants_of(node, inputs, first):
    names = [name for name in node.input if name]
    return [initializer(name, array) for name, array in list(zip(names, inputs))[first:]]


def as_value(case, node, inputs, outputs):
    """The case's first input flows through the network; None where it cannot be an image's part."""
    if not inputs:
        return None
    x = inputs[0]
    if x.ndim < 2 or x.size == 0:
        return None
    images = list(x.shape) if x.ndim == 4 else [x.shape[0], int(np.prod(x.shape[1:])), 1, 1]
    nodes, initializers = [], constants_of(node, inputs, 1)
    if x.ndim == 4:
        nodes.append(helper.make_node("Identity", ["images"], [node.input[0]]))
    else:
        initializers.append(initializer("extents of the case", np.array(x.shape, np.int64)))
        nodes.append(helper.make_node("Reshape", ["images", "extents of the case"], [node.input[0]]))
    return behind(case, node, outputs, nodes, initializers, images, x.reshape(images))


def as_values(case, node, inputs, outputs):
    """All inputs are parts of the network's."""
    batch = inputs[0].shape[0] if len(inputs) > 1 and inputs[0].ndim > 1 else 0
    if any(x.dtype != np.float32 or x.ndim < 2 or x.shape[0] != batch or x.size == 0 for x in inputs) or batch == 0:
        return None
    flat = [x.reshape(batch, -1, 1, 1) for x in inputs]
    sizes = np.array([x.shape[1] for x in flat], np.int64)
    modern = case.model.opset_import[0].version >= 13
    names = [f"part {i}" for i in range(len(inputs))]
    split = ["images", "sizes"] if modern else ["images"]
    nodes = [helper.make_node("Split", split, names, axis=1, **({} if modern else {"split": sizes}))]
    initializers = [initializer("sizes", sizes)]
    for name, part, x in zip(node.input, names, inputs):
        initializers.append(initializer("extents of " + part, np.array(x.shape, np.int64)))
        nodes.append(helper.make_node("Reshape", [part, "extents of " + part], [name]))
    images = np.concatenate(flat, axis=1)
    return behind(case, node, outputs, nodes, initializers, list(images.shape), images)


def behind(case, node, outputs, nodes, initializers, extents, images):
    """The case's node behind `nodes`, and behind that the identity as a linear layer."""
    nodes.append(node)
    parts, expected = [], []
    for name, output in zip(node.output, outputs):
        if not name or output.dtype != np.float32 or output.ndim == 0 or output.size == 0:
            continue
        if output.shape[0] != extents[0]:
            return None
        parts.append(name + " flat")
        expected.append(output.reshape(output.shape[0], -1))
        nodes.append(helper.make_node("Flatten", [name], [parts[-1]], axis=1))
    if not parts:
        return None
    joined = parts[0]
    if len(parts) > 1:
        joined = "joined parts"
        nodes.append(helper.make_node("Concat", parts, [joined], axis=1))
    expected = np.concatenate(expected, axis=1)
    if expected.shape[1] > LARGEST:
        return None
    initializers.append(initializer("identity matrix", np.eye(expected.shape[1], dtype=np.float32)))
    nodes.append(helper.make_node("MatMul", [joined, "identity matrix"], ["logits"]))
    return model_of(case, nodes, extents, expected.shape[1], initializers), images.astype(np.float32), expected


def as_constant(case, node, inputs, outputs):
    """All inputs are weights, and the first output is the bias of the last layer."""
    output = outputs[0]
    numeric = output.dtype in (np.float32, np.float64, np.int64, np.int32)
    if not numeric or output.ndim > 8 or output.size == 0 or output.size > LARGEST or not node.output[0]:
        return None
    flat = np.array([-1], np.int64)
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat image"], axis=1),
        node,
        helper.make_node("Cast", [node.output[0]], ["as numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["as numbers", "extents of the bias"], ["bias of the answer"]),
        helper.make_node("Gemm", ["flat image", "zeros", "bias of the answer"], ["logits"]),
    ]
    initializers = constants_of(node, inputs, 0)
    initializers += [initializer("extents of the bias", flat), initializer("zeros", np.zeros((1, output.size), np.float32))]
    expected = output.astype(np.float32).reshape(1, -1)
    return model_of(case, nodes, [1, 1, 1, 1], output.size, initializers), np.ones((1, 1, 1, 1), np.float32), expected


def as_it_is(case, node, inputs):
    """The case's own graph, its first input the network's; to be refused, whatever the answer is."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    model.graph.initializer.extend(constants_of(node, inputs, 1))
    del model.graph.output[1:]
    nothing = np.zeros(1, np.float32)
    return model, nothing, nothing


class Worker:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "ref"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write("\t".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n") or "error: the worker ended"


def run(worker, folder, made):
    """Empty where answers agree, the refusal otherwise; ends the program where they differ."""
    model, images, expected = made
    path, source, target = (folder / name for name in ("case.onnx", "images.bin", "logits.bin"))
    path.write_bytes(model.SerializeToString())
    source.write_bytes(np.ascontiguousarray(images).tobytes())
    reply = worker.ask(path, source, len(images), target)
    if not reply.startswith("ok"):
        return reply
    got = np.fromfile(target, np.float32).reshape(expected.shape)
    allowed = max(1e-5 * float(np.max(np.abs(expected))), 1e-6)
    if np.array_equal(expected, np.round(expected, 4)):
        allowed = max(allowed, 6e-5)  # somebody has written four decimals down
    worst = float(np.max(np.abs(got - expected)))
    if not worst <= allowed:
        return f"DIFFERS by {worst:g}, allowed are {allowed:g}"
    return ""


def reason(reply):
    """The refusal without the file, the node and its numbers."""
    match = re.match(r"error UNIMPLEMENTED \[import\] '[^']*': (.*)", reply)
    return match.group(1) if match else None


def shortened(text):
    return re.sub(r"^(node '[^']*' \([A-Za-z]+\)|input 'images'): ?", "", text)


def page_text(agree, refused):
    lines = [BEGIN, "", f"Written by `tests/parity/onnx_node_cases.py` for the wheel onnx {onnx.__version__}.", "",
             "### Cases that agree", "", "| operation | cases |", "|---|---|"]
    for operation, names in sorted(agree.items()):
        lines.append(f"| {operation} | {', '.join(names)} |")
    lines += ["", "### Cases that are refused", "", "| operation | why | cases |", "|---|---|---|"]
    for operation, reasons in sorted(refused.items()):
        for why, names in sorted(reasons.items()):
            lines.append(f"| {operation} | {why.replace('|', '/')} | {', '.join(names)} |")
    return "\n".join(lines + ["", END])


def main(arguments):
    if len(arguments) < 2:
        fail("expected WORKER PAGE")
    program, page = pathlib.Path(arguments[0]), pathlib.Path(arguments[1])
    operations = subprocess.run([program, "--operations"], capture_output=True, text=True, check=True).stdout.split()
    worker = Worker(str(program))
    agree = collections.defaultdict(list)
    refused = collections.defaultdict(lambda: collections.defaultdict(list))
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for case, node in single_node_cases(operations):
            inputs, outputs = case.data_sets[0]
            if any(not isinstance(array, np.ndarray | np.generic) for array in [*inputs, *outputs]):
                continue  # sequences and options
            name = case.name.removeprefix("test_")
            inputs = [np.asarray(array) for array in inputs]
            outputs = [np.asarray(array) for array in outputs]
            replies = []
            for form in (as_value, as_values, as_constant):
                made = form(case, node, inputs, outputs)
                if made is not None:
                    replies.append(run(worker, pathlib.Path(folder), made))
            if not replies:
                replies.append(run(worker, pathlib.Path(folder), as_it_is(case, node, inputs)))
            if "" in replies:
                agree[node.op_type].append(name)
            elif any(reply.startswith("DIFFERS") or reason(reply) is None for reply in replies):
                wrong.append(f"{name}: {'; '.join(replies)}")
            else:
                refused[node.op_type][shortened(reason(replies[0]))].append(name)
    if wrong:
        fail("\n  ".join(["cases that neither agree nor are refused by name:", *wrong]))
    text = page_text(agree, refused)
    before = page.read_text()
    if BEGIN not in before or END not in before:
        fail(f"{page} has no place for the lists ({BEGIN})")
    after = before[: before.index(BEGIN)] + text + before[before.index(END) + len(END) :]
    counts = (sum(map(len, agree.values())), sum(len(names) for why in refused.values() for names in why.values()))
    print(f"{counts[0]} cases agree, {counts[1]} are refused by name")
    if "--write" in arguments:
        page.write_text(after)
    elif after != before:
        fail(f"{page} lists other cases; run this with --write and look at the difference")


if __name__ == "__main__":
    main(sys.argv[1:])
