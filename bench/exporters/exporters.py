"""Exports networks with PyTorch's two exporters and with tf2onnx, imports them and compares the answers with ONNX Runtime,
its optimisations off.

Usage: exporters.py WORKER [NETWORK...]

Weights are random, batch norms far from the identity; images are standard normal, 224x224, three at once. Prints a row a
file: nodes after the import, the largest difference over the largest logit in fp32 on the fastest backend, whether all
answers are the same. Exit code 1 where a file is refused, differs by more than 1e-4, or answers otherwise.
"""

import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import numpy as np
import onnxruntime
import torch

TORCHVISION = ["resnet18", "mobilenet_v2", "squeezenet1_1", "vgg11", "shufflenet_v2_x1_0", "mobilenet_v3_small"]
KERAS = ["MobileNetV2", "ResNet50V2", "resnet18", "squeezenet1_1", "vgg11", "shufflenetv2"]
EXTENT, SAMPLES, ALLOWED = 224, 3, 1e-4


def torchvision_models():
    """The models without torchvision's compiled operators, which none of these needs."""
    real = torch.library.register_fake
    torch.library.register_fake = lambda name, *rest, **more: (
        (lambda function: function) if str(name).startswith("torchvision::") else real(name, *rest, **more)
    )
    import torchvision

    torch.library.register_fake = real
    return torchvision.models


def torch_network(models, name):
    torch.manual_seed(0)
    net = getattr(models, name)(weights=None).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return net


def export_torchscript(net, path, fold):
    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(net, (torch.zeros(2, 3, EXTENT, EXTENT),), path, dynamo=False, do_constant_folding=fold, training=mode,
                      input_names=["images"], output_names=["logits"], keep_initializers_as_inputs=not fold,
                      dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}})


def export_dynamo(net, path):
    torch.onnx.export(net, (torch.zeros(2, 3, EXTENT, EXTENT),), path, dynamo=True, external_data=True, verbose=False,
                      dynamic_shapes=({0: torch.export.Dim("batch")},))


def export_keras(name, path):
    import tensorflow as tf
    import keras_networks
    import tf2onnx

    tf.keras.utils.set_random_seed(0)
    if hasattr(keras_networks, name):
        net = getattr(keras_networks, name)(tf, EXTENT)
    else:
        net = getattr(tf.keras.applications, name)(weights=None, classifier_activation=None)
    random = np.random.default_rng(1)
    for layer in net.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            ranges = ((0.5, 1.5), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5))  # gamma, beta, mean, variance
            layer.set_weights([random.uniform(*each, w.shape) for each, w in zip(ranges, layer.get_weights(), strict=True)])
    function = tf.function(lambda images: net(images, training=False))
    signature = [tf.TensorSpec([None, EXTENT, EXTENT, 3], tf.float32, name="images")]
    if net.count_params() < 5e7:
        tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=path)
        return
    # Weights beside the file. tf2onnx asks NumPy for a name that it has no longer.
    np.product = np.prod
    archive = pathlib.Path(path).with_suffix(".zip")
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(archive), large_model=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(archive.parent)
    os.replace(archive.parent / "__MODEL_PROTO.onnx", path)


def export_keras_apart(name, path):
    """In a process of its own: tf2onnx takes 17 GB for VGG-11, and gives them back when it ends."""
    process = multiprocessing.get_context("spawn").Process(target=export_keras, args=(name, path))
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit(f"exporters: tf2onnx failed on {name} (exit code {process.exitcode})")


def exports(names):
    """(label, function of a path) of everything that is asked for."""
    models = torchvision_models()
    for name in TORCHVISION:
        if names and name not in names:
            continue
        net = torch_network(models, name)
        yield f"{name}, torch.onnx (TorchScript), batch norms kept", lambda path, net=net: export_torchscript(net, path, False)
        yield f"{name}, torch.onnx (TorchScript), folded", lambda path, net=net: export_torchscript(net, path, True)
        yield f"{name}, torch.onnx (dynamo), external data", lambda path, net=net: export_dynamo(net, path)
    for name in KERAS:
        if not names or name in names:
            yield f"Keras {name}, tf2onnx", lambda path, name=name: export_keras_apart(name, path)


def runtime_answers(path, images):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    # As the file says: what ONNX Runtime makes of ResNet50V2 by itself is 4e-4 away from it.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options)
    source = session.get_inputs()[0]
    given = images.transpose(0, 2, 3, 1) if source.shape[3] == 3 else images
    return session.run(None, {source.name: np.ascontiguousarray(given)})[0]


def main(arguments):
    if not arguments:
        sys.exit("exporters: expected the program onnx_import_worker")
    worker = subprocess.Popen([arguments[0], "auto"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    images = np.random.default_rng(0).standard_normal((SAMPLES, 3, EXTENT, EXTENT)).astype(np.float32)
    failed = False
    print("| network, exporter | nodes | largest difference / largest logit | same answers |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "images.bin", pathlib.Path(folder) / "logits.bin"
        source.write_bytes(images.tobytes())
        for number, (label, export) in enumerate(exports(arguments[1:])):
            own = pathlib.Path(folder) / f"net{number}"  # weights may lie beside the file
            own.mkdir()
            path = str(own / "net.onnx")
            export(path)
            expected = runtime_answers(path, images)
            worker.stdin.write(f"{path}\t{source}\t{SAMPLES}\t{target}\n")
            worker.stdin.flush()
            reply = worker.stdout.readline().strip()
            if not reply.startswith("ok"):
                print(f"| {label} | {reply} | | |", flush=True)
                failed = True
                continue
            got = np.fromfile(target, np.float32).reshape(expected.shape)
            share = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
            same = bool((got.argmax(1) == expected.argmax(1)).all())
            failed |= share > ALLOWED or not same
            print(f"| {label} | {reply.split()[1]} | {share:.1e} | {'yes' if same else 'NO'} |", flush=True)
            shutil.rmtree(own)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
