"""Computes exported graphs with the ONNX project's own evaluator and compares them with a model's recorded answers.

Usage: onnx_reference.py MODEL.safetensors EXPORTED.onnx|stages.json [...]

Checks each file (onnx.checker, shapes inferred), its interface and metadata, that every weight kept its bits, and that
logits and gates are those of the model's check samples: within 1e-4 of the largest logit, gates within 1e-4. Stages are
run one after the other, each on what those before it hand on. Prints one line per file; exit code 1 and a message where something differs.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from safetensors.numpy import load_file

TOLERANCE = 1e-4


class LRN(OpRun):
    """As ONNX defines it: the library's own walks over the batch where it means the channels."""

    op_domain = ""

    def _run(self, x, alpha, beta, bias, size):
        squares = np.stack(
            [
                np.sum(x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1] ** 2, axis=1)
                for c in range(x.shape[1])
            ],
            axis=1,
        )
        return ((x / (bias + alpha / size * squares) ** beta).astype(x.dtype),)


def check(condition, message):
    if not condition:
        sys.exit(f"onnx_reference: {message}")


def check_close(got, expected, scale, what):
    check(got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}")
    worst = float(np.max(np.abs(got.astype(np.float64) - expected)))
    check(worst <= TOLERANCE * scale, f"{what}: differs by {worst:g}, allowed are {TOLERANCE * scale:g}")


def expected_outputs(manifest, tensors, form):
    """Name -> array, in the order the file must have."""
    logits, gates = tensors["sooner.check.logits"], tensors.get("sooner.check.gates")
    stages = manifest["graph"]["stages"]
    if form == "plain" or len(stages) == 1:
        return {"logits": logits[:, -1]}
    outputs = {}
    for k, stage in enumerate(stages):
        outputs[f"exits.{k}.logits"] = logits[:, k]
        if stage["exit"]["gate"]:
            outputs[f"exits.{k}.gate"] = gates[:, k : k + 1]
    return outputs


def preprocessed(manifest, tensors):
    preprocessing = manifest["preprocessing"]
    mean, std = (np.array(preprocessing[key]).reshape((1, -1, 1, 1)) for key in ("mean", "std"))
    return ((tensors["sooner.check.images"] / 255.0 - mean) / std).astype(np.float32)


def checked_model(path, manifest, tensors):
    """The file's model and metadata, their forms and weights checked."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    check(len(metadata["sooner.model_hash"]) == 16, f"{path}: no model hash")
    preprocessing = manifest["preprocessing"]
    for key in ("mean", "std"):
        numbers = [float(number) for number in metadata[f"sooner.{key}"].split(",")]
        check(numbers == preprocessing[key], f"{path}: {key} is {numbers}")
    for initializer in model.graph.initializer:
        if initializer.name in tensors:
            kept = numpy_helper.to_array(initializer).tobytes() == tensors[initializer.name].tobytes()
            check(kept, f"{path}: {initializer.name} has other bits than the model file")
    return model, metadata


def check_stages(path, manifest, tensors):
    index = json.loads(pathlib.Path(path).read_text())
    logits, gates = tensors["sooner.check.logits"], tensors.get("sooner.check.gates")
    check(len(index["stages"]) == logits.shape[1], f"{path}: {len(index['stages'])} stages")
    check(index["policy"]["name"] == manifest["policy"]["name"], f"{path}: another policy")
    values = {"input": preprocessed(manifest, tensors)}
    for k, stage in enumerate(index["stages"]):
        model, _ = checked_model(str(pathlib.Path(path).parent / stage["file"]), manifest, tensors)
        for kind, declared in (("inputs", model.graph.input), ("outputs", model.graph.output)):
            found = [(value.name, [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]) for value in declared]
            check(found == [(value["name"], value["shape"]) for value in stage[kind]], f"{stage['file']}: {kind} {found}")
        given = {value["name"]: values[value["name"]] for value in stage["inputs"]}
        names = [value["name"] for value in stage["outputs"]]
        values = dict(zip(names, ReferenceEvaluator(model, new_ops=[LRN]).run(None, given), strict=True))
        answer = logits[:, k]
        check_close(values["logits"], answer, float(np.max(np.abs(answer))), f"{stage['file']}: logits")
        if "gate" in values:
            check_close(values["gate"], gates[:, k : k + 1], 1, f"{stage['file']}: gate")
    print(f"{path}: {len(index['stages'])} stages agree on {len(logits)} samples")


def check_file(path, manifest, tensors):
    model, metadata = checked_model(path, manifest, tensors)
    expected = expected_outputs(manifest, tensors, metadata["sooner.form"])
    outputs = [output.name for output in model.graph.output]
    check(outputs == list(expected), f"{path}: outputs {outputs}, expected {list(expected)}")
    check([value.name for value in model.graph.input] == ["input"], f"{path}: other inputs than 'input'")

    images = preprocessed(manifest, tensors)
    evaluator = ReferenceEvaluator(model, new_ops=[LRN])
    for batch in (images, images[:1]):
        for (name, answer), got in zip(expected.items(), evaluator.run(None, {"input": batch}), strict=True):
            answer = answer[: len(batch)]
            scale = 1 if name.endswith("gate") else float(np.max(np.abs(answer)))
            check_close(got, answer, scale, f"{path}: {name}, batch {len(batch)}")
    print(f"{path}: {', '.join(expected)} agree on {len(images)} samples")


def main(arguments):
    check(len(arguments) >= 2, "name a model file and at least one exported file")
    tensors = load_file(arguments[0])
    manifest = json.loads(bytes(tensors["sooner.manifest"]))
    check(manifest["check_samples"] > 0, f"{arguments[0]} holds no check samples")
    for path in arguments[1:]:
        (check_stages if path.endswith(".json") else check_file)(path, manifest, tensors)


if __name__ == "__main__":
    main(sys.argv[1:])
