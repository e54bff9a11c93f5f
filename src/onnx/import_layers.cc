// What has weights: convolutions, linear layers, normalisation.
#include <algorithm>
#include <array>
#include <cmath>

#include "onnx/import_operation.h"
#include "onnx/import_window.h"

namespace sooner {
namespace {

Tensor reshaped(const Tensor& tensor, Shape shape) { return Tensor::from_floats(std::move(shape), tensor.floats()); }

Tensor filled(int64_t count, float value) {
  const std::vector<float> values(static_cast<size_t>(count), value);
  return Tensor::from_floats({count}, values);
}

// A vector of `count` numbers, one number standing for all of them; leading extents of 1 do not matter.
Tensor per_channel(const OnnxNode& node, const Tensor& tensor, int64_t count, std::string_view what) {
  Shape shape = tensor.shape();
  while (shape.size() > 1 && shape.front() == 1) shape.erase(shape.begin());
  if (tensor.elements() == 1) return filled(count, tensor.floats()[0]);
  if (shape != Shape{count}) {
    node.unsupported(fmt::format("{} has extents {}, expected {}", what, to_string(tensor.shape()), count));
  }
  return reshaped(tensor, {count});
}

void scale_by(Tensor& tensor, double factor) {
  if (factor == 1) return;
  tensor = tensor.clone();
  for (float& value : tensor.floats()) value = static_cast<float>(static_cast<double>(value) * factor);
}

// A convolution that sees one place, right before the answer, is a linear layer.
bool is_linear(Importer& importer, const OnnxNode& node, const Activation& src, const Conv2dAttributes& a) {
  return src.extents.size() == 3 && src.extents[1] == 1 && src.extents[2] == 1 && a.kernel_h == 1 && a.kernel_w == 1 &&
         a.groups == 1 && a.stride_h == 1 && a.stride_w == 1 &&
         a.pad_top + a.pad_left + a.pad_bottom + a.pad_right == 0 && src.view != View::kChannelsLast &&
         importer.answers(node.output());
}

void read_conv(Importer& importer, OnnxNode& node) {
  const Activation src = importer.activation(node, 0);
  const Tensor weight = importer.weight(node, 1);
  if (src.extents.size() != 3 || weight.shape().size() != 4) {
    node.unsupported(fmt::format("convolves extents {} with weights {}, expected two dimensions of place",
                                 to_string(src.extents), to_string(weight.shape())));
  }
  Conv2dAttributes a;
  a.out_channels = weight.shape()[0];
  a.kernel_h = weight.shape()[2];
  a.kernel_w = weight.shape()[3];
  a.groups = node.integer("group", 1);
  a.bias = node.has_input(2);
  const ImportWindow window = read_window(node, {src.extents[1], src.extents[2]}, Shape{a.kernel_h, a.kernel_w});
  a.stride_h = window.strides[0];
  a.stride_w = window.strides[1];
  a.dilation_h = window.dilations[0];
  a.dilation_w = window.dilations[1];
  a.pad_top = window.begin[0];
  a.pad_left = window.begin[1];
  a.pad_bottom = window.end[0];
  a.pad_right = window.end[1];
  const std::string name = importer.name_for(node, node.input(1));
  const int64_t channels = src.extents[0];
  if (a.groups < 1 || a.groups > channels || weight.shape()[1] * a.groups != channels) {
    node.damaged(fmt::format("its weights {} in {} groups do not fit {} channels", to_string(weight.shape()), a.groups,
                             src.extents[0]));
  }
  if (a.bias)
    importer.add_parameter(name + ".bias", per_channel(node, importer.weight(node, 2), a.out_channels, "its bias"));
  if (is_linear(importer, node, src, a)) {
    Activation flat = src;
    flat.extents = {src.extents[0]};
    const NodeId id = importer.builder().linear(name, importer.as_vector(node, flat), a.out_channels, a.bias);
    importer.add_parameter(name + ".weight", reshaped(weight, {a.out_channels, src.extents[0]}));
    return importer.set(node, Activation{.node = id, .extents = {a.out_channels, 1, 1}});
  }
  importer.add_parameter(name + ".weight", weight);
  importer.set_node(node, importer.builder().conv2d(name, importer.as_map(node, src), a));
}

// A linear layer's weights [O, I] over a map that ONNX had flattened with channels last, columns put in this order.
Tensor channels_first_columns(const Tensor& weight, const Shape& map) {
  Tensor turned(DType::kF32, weight.shape());
  const auto from = weight.floats();
  const auto to = turned.floats();
  const int64_t columns = weight.shape()[1], places = map[1] * map[2];
  for (int64_t row = 0; row < weight.shape()[0]; ++row) {
    for (int64_t place = 0; place < places; ++place) {
      for (int64_t c = 0; c < map[0]; ++c) {
        to[static_cast<size_t>(row * columns + c * places + place)] =
            from[static_cast<size_t>(row * columns + place * map[0] + c)];
      }
    }
  }
  return turned;
}

Tensor transposed(const Tensor& weight) {
  const int64_t rows = weight.shape()[0], columns = weight.shape()[1];
  Tensor turned(DType::kF32, {columns, rows});
  const auto from = weight.floats();
  const auto to = turned.floats();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      to[static_cast<size_t>(c * rows + r)] = from[static_cast<size_t>(r * columns + c)];
  }
  return turned;
}

struct LinearParts {
  Tensor weight;  // [O, I]
  std::optional<Tensor> bias;
};

void add_linear(Importer& importer, const OnnxNode& node, LinearParts parts, const std::string& weight_name,
                const OnnxNode& result) {
  Activation src = importer.activation(node, 0);
  if (src.extents.size() != 1 || src.extents[0] != parts.weight.shape()[1]) {
    node.unsupported(fmt::format("multiplies extents {} with {}, expected a vector of {}", to_string(src.extents),
                                 to_string(parts.weight.shape()), parts.weight.shape()[1]));
  }
  if (src.view == View::kChannelsLast) {
    parts.weight = channels_first_columns(parts.weight, importer.shape(src.node));
    src.view = View::kPlain;
  }
  const std::string name = importer.name_for(node, weight_name);
  const int64_t outputs = parts.weight.shape()[0];
  const NodeId id = importer.builder().linear(name, importer.as_vector(node, src), outputs, parts.bias.has_value());
  importer.add_parameter(name + ".weight", parts.weight);
  if (parts.bias) importer.add_parameter(name + ".bias", *parts.bias);
  importer.set_node(result, id);
}

Tensor matrix(Importer& importer, const OnnxNode& node, size_t i) {
  Tensor weight = importer.weight(node, i);
  if (weight.shape().size() != 2 || weight.elements() == 0) {
    node.unsupported(fmt::format("multiplies with extents {}, expected a matrix", to_string(weight.shape())));
  }
  return weight;
}

void read_gemm(Importer& importer, OnnxNode& node) {
  if (node.integer("transA", 0) != 0) node.unsupported("transposes its input, expected transA = 0");
  Tensor weight = matrix(importer, node, 1);
  if (node.integer("transB", 0) == 0) weight = transposed(weight);
  scale_by(weight, node.number("alpha", 1));
  const double beta = node.number("beta", 1);
  node.ignore("broadcast");  // of the oldest operator sets
  std::optional<Tensor> bias;
  if (node.has_input(2) && beta != 0) {
    bias = per_channel(node, importer.weight(node, 2), weight.shape()[0], "its bias");
    scale_by(*bias, beta);
  }
  add_linear(importer, node, {weight, bias}, node.input(1), node);
}

// With the sum behind it, where that is a bias.
void read_matmul(Importer& importer, OnnxNode& node) {
  const Tensor weight = transposed(matrix(importer, node, 1));
  const auto& readers = importer.file().readers(node.output());
  if (readers.size() == 1 && readers[0]->op_type() == "Add" && readers[0]->input_size() == 2 &&
      !importer.file().is_output(node.output())) {
    const OnnxNode sum(importer.file(), *readers[0]);
    const size_t other = sum.input(0) == node.output() ? 1 : 0;
    const bool constant = sum.input(other) != node.output() && importer.file().has_constant(sum.input(other));
    if (constant) {
      Tensor bias = importer.weight(sum, other);
      if (bias.elements() == weight.shape()[0]) {
        bias = per_channel(sum, bias, weight.shape()[0], "its bias");
        add_linear(importer, node, {weight, bias}, node.input(1), sum);
        importer.skip(readers[0]);
        return;
      }
    }
  }
  add_linear(importer, node, {weight, std::nullopt}, node.input(1), node);
}

void read_batch_norm(Importer& importer, OnnxNode& node) {
  if (node.integer("training_mode", 0) != 0 || node.integer("is_test", 1) != 1) {
    node.unsupported("normalises by the batch it is given; export the network in evaluation mode");
  }
  if (node.integer("spatial", 1) != 1) node.unsupported("has statistics for every place, expected spatial = 1");
  BatchNormAttributes a;
  a.epsilon = node.number("epsilon", 1e-5);
  // What PyTorch calls the momentum is what ONNX leaves over.
  a.momentum = std::clamp(1 - node.number("momentum", 0.9), 0.0, 1.0);
  const NodeId src = importer.as_map(node, importer.activation(node, 0));
  const int64_t channels = importer.shape(src)[0];
  const std::string name = importer.name_for(node, node.input(1));
  constexpr std::array<std::string_view, 4> kParts{".weight", ".bias", ".running_mean", ".running_var"};
  for (size_t i = 0; i < kParts.size(); ++i) {
    const Tensor part = importer.weight(node, i + 1);
    if (part.shape() != Shape{channels}) {
      node.damaged(fmt::format("input {} has extents {}, expected {}", i + 1, to_string(part.shape()), channels));
    }
    importer.add_parameter(name + std::string(kParts[i]), part);
  }
  importer.set_node(node, importer.builder().append({OpKind::kBatchNorm, name, {src}, a}));
}

void read_response_norm(Importer& importer, OnnxNode& node) {
  LocalResponseNormAttributes a;
  a.size = node.integer("size", 0);
  a.alpha = node.number("alpha", 1e-4);
  a.beta = node.number("beta", 0.75);
  a.bias = node.number("bias", 1);
  const NodeId src = importer.as_map(node, importer.activation(node, 0));
  importer.set_node(node, importer.builder().local_response_norm(importer.name_for(node), src, a));
}

constexpr std::array<ImportOperation, 5> kOperations{{{"BatchNormalization", read_batch_norm},
                                                      {"Conv", read_conv},
                                                      {"Gemm", read_gemm},
                                                      {"LRN", read_response_norm},
                                                      {"MatMul", read_matmul}}};

}  // namespace

std::span<const ImportOperation> layer_operations() { return kOperations; }

}  // namespace sooner
