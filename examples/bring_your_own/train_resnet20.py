"""Trains a ResNet-20 on CIFAR-10 with PyTorch alone and exports it to ONNX: a network that sooner has never seen.

    sooner data cifar10 --indices train > train.txt
    python train_resnet20.py --data cifar-10-binary.tar.gz --indices train.txt -o resnet20.onnx
    sooner import resnet20.onnx -o resnet20.safetensors --mean .4914,.4822,.4465 --std .2470,.2435,.2616 --classes-file …

The indices are those of sooner's own training split: images kept for thresholds and guarantees stay unseen. Also writes
the weights as safetensors beside the ONNX file. SGD with Nesterov's momentum and a one-cycle rate, flips and crops.
"""

import argparse
import tarfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet20(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), *[Block(32, 32, 1) for _ in range(2)])
        self.layer3 = nn.Sequential(Block(32, 64, 2), *[Block(64, 64, 1) for _ in range(2)])
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def read_batches(path, names):
    """Images [n, 3, 32, 32] in bytes, labels [n]."""
    images, labels = [], []
    with tarfile.open(path) as archive:
        for name in names:
            raw = np.frombuffer(archive.extractfile("cifar-10-batches-bin/" + name).read(), np.uint8).reshape(-1, 3073)
            labels.append(raw[:, 0].astype(np.int64))
            images.append(raw[:, 1:].reshape(-1, 3, 32, 32))
    return np.concatenate(images), np.concatenate(labels)


def normalised(images):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (torch.from_numpy(images).float() / 255 - mean) / std


def augmented(x, generator):
    """Shifts of up to four pixels and mirrors, one draw an image."""
    n = len(x)
    padded = F.pad(x, (4, 4, 4, 4))
    rows, columns = (torch.randint(0, 9, (n, 1), generator=generator) + torch.arange(32) for _ in range(2))
    mirror = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(mirror, columns.flip(1), columns)
    return padded[torch.arange(n).view(-1, 1, 1, 1), torch.arange(3).view(1, -1, 1, 1), rows.view(n, 1, 32, 1), columns.view(n, 1, 1, 32)]


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        right = sum(
            int((net(images[i : i + 500]).argmax(1) == labels[i : i + 500]).sum()) for i in range(0, len(images), 500)
        )
    return right / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="cifar-10-binary.tar.gz")
    parser.add_argument("--indices", help="training images to use, one index a line; default: all")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument("-o", "--output", required=True, help="the .onnx file to write")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)
    images, labels = read_batches(arguments.data, [f"data_batch_{i}.bin" for i in range(1, 6)])
    if arguments.indices:
        chosen = np.loadtxt(arguments.indices, dtype=np.int64)
        images, labels = images[chosen], labels[chosen]
    x, y = normalised(images), torch.from_numpy(labels)
    test_images, test_labels = read_batches(arguments.data, ["test_batch.bin"])

    net = ResNet20().to(memory_format=torch.channels_last)
    batch, peak = 128, 0.1
    steps = len(x) // batch * arguments.epochs
    decayed = [p for p in net.parameters() if p.dim() > 1]
    plain = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0}]
    sgd = torch.optim.SGD(groups, lr=peak, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(sgd, peak, total_steps=steps, pct_start=0.25, cycle_momentum=False)
    narrow = "avx512_bf16" in open("/proc/cpuinfo").read()  # elsewhere bf16 is many times slower than fp32
    for epoch in range(arguments.epochs):
        start, total = time.time(), 0.0
        net.train()
        order = torch.randperm(len(x), generator=generator)
        for i in range(len(x) // batch):
            chosen = order[i * batch : (i + 1) * batch]
            with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
                logits = net(augmented(x[chosen], generator).to(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), y[chosen])
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{arguments.epochs}: loss {total / (len(x) // batch):.4f}, {time.time() - start:.0f} s", flush=True)
    share = accuracy(net, normalised(test_images), torch.from_numpy(test_labels))
    print(f"test accuracy {100 * share:.2f} %")

    net = net.to(memory_format=torch.contiguous_format).eval()
    example = torch.zeros(1, 3, 32, 32)
    if arguments.exporter == "dynamo":
        batch_axis = {0: torch.export.Dim("batch")}
        torch.onnx.export(net, (example,), arguments.output, dynamo=True, dynamic_shapes=(batch_axis,), external_data=False)
    else:
        torch.onnx.export(net, (example,), arguments.output, dynamo=False, input_names=["images"], output_names=["logits"],
                          dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}})
    from safetensors.torch import save_file

    save_file(net.state_dict(), arguments.output.removesuffix(".onnx") + "_weights.safetensors")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
