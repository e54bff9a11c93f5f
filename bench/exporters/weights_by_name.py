"""Gives this program torchvision's weights by name and compares what it makes of them.

Usage: weights_by_name.py SOONER [NETWORK...]

For every network of the zoo with a twin in torchvision: a state_dict saved as safetensors is imported with --backbone, exported
as ONNX and run in ONNX Runtime beside PyTorch's own network; its weights are exported again and loaded by PyTorch, strictly.
Weights are random, batch norms far from the identity; images are standard normal, 224x224, three at once. Prints a row a
network. Exit code 1 where an answer differs by more than 1e-4 of the largest logit, or a weight comes back otherwise.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from exporters import ALLOWED, EXTENT, SAMPLES, runtime_answers, torch_network, torchvision_models
from safetensors.torch import load_file, save_file

TWINS = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "vgg11": "vgg11",
    "vgg11_bn": "vgg11:bn",
    "vgg13": "vgg13",
    "vgg13_bn": "vgg13:bn",
    "vgg16": "vgg16",
    "vgg16_bn": "vgg16:bn",
    "mobilenet_v2": "mobilenetv2",
    "shufflenet_v2_x0_5": "shufflenetv2:w0.5",
    "shufflenet_v2_x1_0": "shufflenetv2",
    "shufflenet_v2_x1_5": "shufflenetv2:w1.5",
    "shufflenet_v2_x2_0": "shufflenetv2:w2",
    "squeezenet1_1": "squeezenet1.1",
}


def main(arguments):
    if not arguments:
        sys.exit("weights_by_name: expected the program sooner")
    sooner, chosen = arguments[0], arguments[1:] or list(TWINS)
    unknown = [name for name in chosen if name not in TWINS]
    if unknown:
        sys.exit(f"weights_by_name: {', '.join(unknown)} unknown; expected of {', '.join(TWINS)}")
    images = np.random.default_rng(0).standard_normal((SAMPLES, 3, EXTENT, EXTENT)).astype(np.float32)
    models, failed = torchvision_models(), False
    print("| torchvision's | here | tensors | largest difference / largest logit | weights come back |\n|---|---|---|---|---|")
    for name in chosen:
        net = torch_network(models, name)
        with torch.no_grad():
            expected = net(torch.from_numpy(images)).numpy()
        with tempfile.TemporaryDirectory() as folder:
            weights, model, onnx, back = (str(pathlib.Path(folder) / each)
                                          for each in ("weights.safetensors", "model.safetensors", "net.onnx", "back.safetensors"))
            state = net.state_dict()
            save_file(state, weights)
            for command in (
                ["import", weights, "--backbone", TWINS[name], "--input-shape", f"3,{EXTENT},{EXTENT}", "-o", model],
                ["export", model, "--plain", "-o", onnx],
                ["export", model, "--weights", "-o", back],
            ):
                done = subprocess.run([sooner, *command], capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    sys.exit(f"weights_by_name: sooner {' '.join(command)}: {done.stderr.strip()}")
            got = runtime_answers(onnx, images)
            returned = load_file(back)
            same = all(torch.equal(returned[key], value) for key, value in state.items() if not key.endswith("num_batches_tracked"))
            net.load_state_dict(returned, strict=True)
        share = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
        failed |= share > ALLOWED or not same
        print(f"| {name} | {TWINS[name]} | {len(state)} | {share:.1e} | {'yes' if same else 'NO'} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
