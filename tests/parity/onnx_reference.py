"""Computes exported graphs with the ONNX project's own evaluator and compares them with a model's recorded answers.

Usage: onnx_reference.py MODEL.safetensors EXPORTED.onnx [EXPORTED.onnx...]

Checks each file (onnx.checker, shapes inferred), its interface and metadata, that every weight kept its bits, and that
logits and gates are those of the model's check samples: within 1e-4 of the largest logit, gates within 1e-4. Prints one
line per file; exit code 1 and a message where something differs.
"""

import json
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


def check_file(path, manifest, tensors):
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
    expected = expected_outputs(manifest, tensors, metadata["sooner.form"])
    outputs = [output.name for output in model.graph.output]
    check(outputs == list(expected), f"{path}: outputs {outputs}, expected {list(expected)}")
    check([value.name for value in model.graph.input] == ["input"], f"{path}: other inputs than 'input'")

    shape = (1, -1, 1, 1)
    mean, std = (np.array(preprocessing[key]).reshape(shape) for key in ("mean", "std"))
    images = ((tensors["sooner.check.images"] / 255.0 - mean) / std).astype(np.float32)
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
        check_file(path, manifest, tensors)


if __name__ == "__main__":
    main(sys.argv[1:])
