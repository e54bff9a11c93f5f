"""Opens a model file with the safetensors reference library and compares it with what the bytes say.

Usage: safetensors_reference.py MODEL [MODEL...]

Reads the file a second time by hand (length, header, data), so that names, element types, shapes and every byte the
library hands out are checked against the file itself; then checks that the manifest lists the parameters that are there,
and that the library, given the same tensors and metadata, lays out the same data. Prints one line per file; exit code 1
and a message where something differs.
"""

import json
import struct
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, save

NUMPY = {"F32": np.float32, "I8": np.int8, "U8": np.uint8, "I32": np.int32, "I64": np.int64}


def check(condition, message):
    if not condition:
        sys.exit(f"safetensors_reference: {message}")


def check_tensors(path, header, data):
    with safe_open(path, framework="numpy") as file:
        check(set(file.keys()) == set(header) - {"__metadata__"}, f"{path}: the library lists other tensors")
        metadata = file.metadata()
        for name in file.keys():
            entry = header[name]
            tensor = file.get_tensor(name)
            begin, end = entry["data_offsets"]
            check(tensor.dtype == NUMPY[entry["dtype"]], f"{path}: {name} is {tensor.dtype}, not {entry['dtype']}")
            check(list(tensor.shape) == entry["shape"], f"{path}: {name} has shape {tensor.shape}")
            check(tensor.tobytes() == data[begin:end], f"{path}: {name} has other bytes")
    check(metadata in ({"format": "pt", "sooner.format_version": version} for version in map(str, range(1, 8))),
          f"{path}: metadata is {metadata}")
    return int(metadata["sooner.format_version"])


def check_manifest(path, tensors, version):
    manifest = json.loads(bytes(tensors["sooner.manifest"]))
    check(manifest["format_version"] == version, f"{path}: format version {manifest['format_version']}, not {version}")
    check(("quantisation" in manifest) == (version >= 2), f"{path}: version {version} and its quantisation")
    for record in manifest["calibrations"]:
        check(("guarantee" in record) == (version >= 3), f"{path}: version {version} and its guarantees")
        if record.get("guarantee"):
            check(("withdrawn" in record["guarantee"]) == (version >= 7), f"{path}: version {version}, what is withdrawn")
    check(("quantity" in manifest) == (version >= 4), f"{path}: version {version} and its quantity")
    names = {name for name in tensors if not name.startswith("sooner.")}
    prefixes = [node["name"] for node in manifest["graph"]["nodes"]]
    prefixes += [f"exits.{k}.gate" for k, stage in enumerate(manifest["graph"]["stages"]) if stage["exit"]["gate"]]
    for name in names:
        check(any(name.startswith(prefix + ".") for prefix in prefixes), f"{path}: {name} belongs to no node")
    for node in manifest["graph"]["nodes"]:
        if node["op"] in ("conv2d", "linear", "batch_norm"):
            check(node["name"] + ".weight" in names, f"{path}: {node['name']} has no weight")
    expected = 0 if manifest.get("quantity") else manifest["graph"]["classes"]
    check(len(manifest["class_names"]) == expected, f"{path}: class names")
    check(manifest["check_samples"] == len(tensors.get("sooner.check.images", [])), f"{path}: check samples")


def main(paths):
    check(paths, "name at least one model file")
    for path in paths:
        with open(path, "rb") as file:
            raw = file.read()
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        data = raw[8 + length :]
        check((8 + length) % 8 == 0, f"{path}: the data is not 8-byte aligned")
        version = check_tensors(path, header, data)
        tensors = load(raw)
        check_manifest(path, tensors, version)
        written = save(tensors, header["__metadata__"])
        (length_again,) = struct.unpack("<Q", written[:8])
        check(written[8 + length_again :] == data, f"{path}: the library orders the data differently")
        print(f"{path}: {len(tensors)} tensors, {len(raw)} bytes, as the reference library reads and writes them")


if __name__ == "__main__":
    main(sys.argv[1:])
