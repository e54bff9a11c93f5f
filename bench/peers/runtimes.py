"""The rivals: each loads an exported ONNX file for one batch size and answers batches.

A runtime is a class with prepare(array [batch, C, H, W]) -> a handle, made outside the timed call, and infer(handle) ->
logits [batch, classes]. Each is set up for latency with the given number of threads: static shapes, one stream, memory
handed over instead of copied, threads not pinned (no contender is).
"""

import numpy as np
import onnx
from onnx import numpy_helper


def fixed_batch(path, batch):
    """The graph with a static batch, as bytes: runtimes plan better when they know all extents."""
    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return model.SerializeToString()


class OnnxRuntime:
    precisions = ("fp32", "int8")

    def __init__(self, path, precision, batch, threads):
        import onnxruntime

        self._ort = onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self._session = onnxruntime.InferenceSession(fixed_batch(path, batch), options, ["CPUExecutionProvider"])
        self.version = onnxruntime.__version__
        self._input = self._session.get_inputs()[0].name
        output = self._session.get_outputs()[0]
        self._answer = np.empty(output.shape, np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_output(output.name, "cpu", 0, np.float32, output.shape, self._answer.ctypes.data)

    def prepare(self, images):
        return images, self._ort.OrtValue.ortvalue_from_numpy(images)

    def infer(self, handle):
        self._binding.bind_ortvalue_input(self._input, handle[1])
        self._session.run_with_iobinding(self._binding)
        return self._answer


class OpenVino:
    precisions = ("fp32", "bf16", "int8")

    def __init__(self, path, precision, batch, threads):
        import openvino

        self._openvino = openvino
        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise RuntimeError("OpenVINO has no bf16 on this processor")
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "ENABLE_CPU_PINNING": "NO",
        }
        compiled = core.compile_model(core.read_model(fixed_batch(path, batch), b""), "CPU", config)
        self.version = openvino.__version__.split("-")[0]
        self._request = compiled.create_infer_request()
        self._answer = self._request.get_output_tensor(0).data

    def prepare(self, images):
        return images, self._openvino.Tensor(images, shared_memory=True)

    def infer(self, handle):
        self._request.set_input_tensor(handle[1])
        self._request.infer()
        return self._answer


def torch_module(path):
    """The exported plain graph as a torch module, batch norms folded into the convolutions before them."""
    import torch
    from torch.nn import functional

    graph = onnx.load(path).graph
    constants = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    nodes = list(graph.node)
    steps, weights = [], torch.nn.ParameterList()

    def keep(tensor):
        weights.append(torch.nn.Parameter(tensor, requires_grad=False))
        return len(weights) - 1

    def attributes(node):
        return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}

    def folded(weight, bias, norm):
        scale, shift, mean, variance = (constants[name].double() for name in norm.input[1:5])
        factor = scale / torch.sqrt(variance + attributes(norm)["epsilon"])
        bias = torch.zeros_like(mean) if bias is None else bias.double()
        return (weight.double() * factor.reshape(-1, 1, 1, 1)).float(), ((bias - mean) * factor + shift).float()

    def window(node):
        a = attributes(node)
        top, left, bottom, right = a["pads"]
        # The export writes rounding up as padding at the end; torch has a switch for it. The others' logits tell.
        return dict(kernel_size=a["kernel_shape"], stride=a["strides"], padding=(top, left),
                    ceil_mode=(bottom, right) != (top, left))

    skipped = set()
    for at, node in enumerate(nodes):
        if at in skipped:
            continue
        a, inputs, output = attributes(node), list(node.input), node.output[0]
        if node.op_type == "Conv":
            weight, bias = constants[inputs[1]], constants[inputs[2]] if len(inputs) > 2 else None
            following = nodes[at + 1]
            if following.op_type == "BatchNormalization" and following.input[0] == output:
                weight, bias = folded(weight, bias, following)
                skipped.add(at + 1)
                output = following.output[0]
            top, left, bottom, right = a["pads"]
            if (top, left) != (bottom, right):
                raise RuntimeError(f"torch: {node.name} has uneven padding, which this translation does not know")
            w, b = keep(weight), None if bias is None else keep(bias)
            arguments = dict(stride=a["strides"], padding=(top, left), dilation=a["dilations"], groups=a["group"])
            steps.append((output, inputs[:1], lambda p, x, w=w, b=b, k=arguments: functional.conv2d(
                x, p[w], None if b is None else p[b], **k)))
        elif node.op_type == "Gemm":
            w, b = keep(constants[inputs[1]]), keep(constants[inputs[2]]) if len(inputs) > 2 else None
            steps.append((output, inputs[:1], lambda p, x, w=w, b=b: functional.linear(
                x, p[w], None if b is None else p[b])))
        elif node.op_type == "MaxPool":
            steps.append((output, inputs, lambda p, x, k=window(node): functional.max_pool2d(x, **k)))
        elif node.op_type == "Relu":
            steps.append((output, inputs, lambda p, x: functional.relu(x)))
        elif node.op_type == "Add":
            steps.append((output, inputs, lambda p, x, y: x + y))
        elif node.op_type == "GlobalAveragePool":
            steps.append((output, inputs, lambda p, x: x.mean((2, 3), keepdim=True)))
        elif node.op_type == "Flatten":
            steps.append((output, inputs, lambda p, x: torch.flatten(x, 1)))
        else:
            raise RuntimeError(f"torch: {node.op_type} is not translated")

    class Translated(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = weights

        def forward(self, x):
            values = {graph.input[0].name: x}
            for output, inputs, function in steps:
                values[output] = function(self.weights, *(values[name] for name in inputs))
            return values[graph.output[0].name]

    return Translated().eval()


class TorchEager:
    precisions = ("fp32", "bf16")

    def __init__(self, path, precision, batch, threads):
        import torch

        self._torch = torch
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.version = torch.__version__.split("+")[0]
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._format = torch.channels_last
        self._module = self._finish(torch_module(path).to(self._dtype).to(memory_format=self._format))

    def _finish(self, module):
        return module

    def prepare(self, images):
        return self._torch.from_numpy(images)

    def infer(self, handle):
        with self._torch.inference_mode():
            x = handle.to(self._dtype, memory_format=self._format)
            return self._module(x).float().numpy()


class TorchCompiled(TorchEager):
    def _finish(self, module):
        import torch._inductor.config

        torch._inductor.config.freezing = True
        return self._torch.compile(module, dynamic=False)

    def infer(self, handle):
        with self._torch.no_grad():
            return self._module(handle.to(self._dtype, memory_format=self._format)).float().numpy()


RUNTIMES = {
    "ONNX Runtime": OnnxRuntime,
    "OpenVINO": OpenVino,
    "PyTorch eager": TorchEager,
    "PyTorch compiled": TorchCompiled,
}
