// Activations, sums and products.
#include <algorithm>
#include <array>
#include <limits>

#include "onnx/constant_math.h"
#include "onnx/import_operation.h"

namespace sooner {
namespace {

// A variance of 1 stays 1 in fp32 with this added to it.
constexpr double kNoEpsilon = 1e-12;

// `make` writes the node that applies to every element.
template <typename Make>
void read_elements(Importer& importer, OnnxNode& node, const Make& make) {
  Activation value = importer.settled(node, importer.activation(node, 0));
  value.node = make(importer.builder(), importer.name_for(node), value.node);
  importer.set(node, value);
}

void read_relu(Importer& importer, OnnxNode& node) {
  read_elements(importer, node, [](GraphBuilder& b, const std::string& name, NodeId src) { return b.relu(name, src); });
}

void read_hard_swish(Importer& importer, OnnxNode& node) {
  read_elements(importer, node,
                [](GraphBuilder& b, const std::string& name, NodeId src) { return b.hard_swish(name, src); });
}

void read_leaky_relu(Importer& importer, OnnxNode& node) {
  const double slope = node.number("alpha", 0.01);
  read_elements(importer, node,
                [&](GraphBuilder& b, const std::string& name, NodeId src) { return b.leaky_relu(name, src, slope); });
}

// One number, or one a channel, for a map; empty where it is neither, or no map.
std::optional<std::vector<float>> for_channels(Importer& importer, const Activation& value, const Tensor& tensor) {
  const Shape& map = importer.shape(value.node);
  const bool last = value.view == View::kChannelsLast;
  if (map.size() != 3 || !(last ? value.extents.size() == 3 : value.extents == map)) return std::nullopt;
  const auto values = tensor.floats();
  if (tensor.elements() == 1 && tensor.shape().size() <= value.extents.size() + 1) {
    return std::vector<float>(static_cast<size_t>(map[0]), values[0]);
  }
  Shape shape = tensor.shape();
  while (!shape.empty() && shape.front() == 1) shape.erase(shape.begin());
  const Shape wanted = last ? Shape{map[0]} : Shape{map[0], 1, 1};
  if (shape != wanted || tensor.shape().size() > 4) return std::nullopt;
  return std::vector<float>(values.begin(), values.end());
}

// scale * x + shift for each channel of a map: a normalisation with nothing to normalise.
NodeId scale_channels(Importer& importer, const std::string& name, NodeId src, const std::vector<float>& scale,
                      const std::vector<float>& shift) {
  const auto channels = static_cast<int64_t>(scale.size());
  const std::vector<float> zeros(scale.size(), 0.0F), ones(scale.size(), 1.0F);
  importer.add_parameter(name + ".weight", Tensor::from_floats({channels}, scale));
  importer.add_parameter(name + ".bias", Tensor::from_floats({channels}, shift));
  importer.add_parameter(name + ".running_mean", Tensor::from_floats({channels}, zeros));
  importer.add_parameter(name + ".running_var", Tensor::from_floats({channels}, ones));
  return importer.builder().append(
      {OpKind::kBatchNorm, name, {src}, BatchNormAttributes{.epsilon = kNoEpsilon, .momentum = 0}});
}

// With one slope: a leaky one. With one a channel: the positive part, and the negative one scaled; no value is rounded.
void read_parametric_relu(Importer& importer, OnnxNode& node) {
  const Tensor slope = importer.weight(node, 1);
  if (slope.elements() == 1) {
    const auto value = static_cast<double>(slope.floats()[0]);
    return read_elements(importer, node, [&](GraphBuilder& b, const std::string& name, NodeId src) {
      return b.leaky_relu(name, src, value);
    });
  }
  Activation value = importer.settled(node, importer.activation(node, 0));
  std::optional<std::vector<float>> slopes = for_channels(importer, value, slope);
  if (!slopes) {
    node.unsupported(
        fmt::format("has slopes of extents {} for a value of {}, expected one slope, or one a channel of a map",
                    to_string(slope.shape()), to_string(value.extents)));
  }
  for (float& each : *slopes) each = -each;
  const std::vector<float> turn(slopes->size(), -1.0F), zeros(slopes->size(), 0.0F);
  GraphBuilder& b = importer.builder();
  const std::string name = importer.name_for(node);
  const NodeId positive = b.relu(importer.unique(name + ".positive"), value.node);
  const NodeId turned = scale_channels(importer, importer.unique(name + ".turned"), value.node, turn, zeros);
  const NodeId negative = b.relu(importer.unique(name + ".negative"), turned);
  const NodeId scaled = scale_channels(importer, importer.unique(name + ".slopes"), negative, *slopes, zeros);
  value.node = b.add(name, positive, scaled);
  importer.set(node, value);
}

void read_sigmoid(Importer& importer, OnnxNode& node) {
  read_elements(importer, node,
                [](GraphBuilder& b, const std::string& name, NodeId src) { return b.sigmoid(name, src); });
}

void read_hard_sigmoid(Importer& importer, OnnxNode& node) {
  const HardSigmoidAttributes a{.alpha = node.number("alpha", 0.2), .beta = node.number("beta", 0.5)};
  read_elements(importer, node,
                [&](GraphBuilder& b, const std::string& name, NodeId src) { return b.hard_sigmoid(name, src, a); });
}

void read_gelu(Importer& importer, OnnxNode& node) {
  const std::string form = node.text("approximate", "none");
  if (form != "none" && form != "tanh") node.damaged(fmt::format("approximate is '{}'", OnnxFile::shown(form)));
  read_elements(importer, node, [&](GraphBuilder& b, const std::string& name, NodeId src) {
    return b.gelu(name, src, form == "tanh");
  });
}

std::optional<double> bound_of(Importer& importer, OnnxNode& node, size_t i, std::string_view attribute) {
  if (node.has_input(i)) {
    const Tensor bound = importer.weight(node, i);
    if (bound.elements() != 1)
      node.damaged(fmt::format("input {} holds {} numbers, expected one", i, bound.elements()));
    return static_cast<double>(bound.floats()[0]);
  }
  if (node.has(attribute)) return node.number(attribute, 0);
  return std::nullopt;
}

void read_clip(Importer& importer, OnnxNode& node) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const double low = std::max(bound_of(importer, node, 1, "min").value_or(-kLargest), -kLargest);
  const double high = std::min(bound_of(importer, node, 2, "max").value_or(kLargest), kLargest);
  if (low == 0 && high == kLargest) return read_relu(importer, node);
  if (low == -kLargest && high == kLargest) return importer.set(node, ImportValue(importer.activation(node, 0)));
  read_elements(importer, node,
                [&](GraphBuilder& b, const std::string& name, NodeId src) { return b.clip(name, src, low, high); });
}

// Where it comes last, what it makes of logits is left to whoever reads them.
void read_softmax(Importer& importer, OnnxNode& node) {
  const Activation src = importer.activation(node, 0);
  const int64_t standard = importer.file().operator_set() < 13 ? 1 : -1;
  const int64_t axis = normal_axis(node, node.integer("axis", standard), src.extents.size() + 1);
  const bool one_place = element_count(src.extents) == src.extents[static_cast<size_t>(std::max<int64_t>(axis - 1, 0))];
  if (axis == 0 || !one_place || !importer.answers(node.output())) {
    node.unsupported("stands within the network; over the classes at its end it is read");
  }
  importer.note(fmt::format("'{}' at the end is left out: answers are logits", node.label()));
  importer.set(node, src);
}

void read_dropout(Importer& importer, OnnxNode& node) {
  for (const char* each : {"ratio", "seed", "is_test"}) node.ignore(each);
  if (node.has_input(2)) {
    for (const int64_t training : importer.numbers(node, 2)) {
      if (training != 0) node.unsupported("drops values when it runs; export the network in evaluation mode");
    }
  }
  importer.set(node, ImportValue(importer.activation(node, 0)));
}

void read_with_constant(Importer& importer, const OnnxNode& node, size_t activation, char rule) {
  const Activation src = importer.settled(node, importer.activation(node, activation));
  const ImportValue& other = importer.value(node, 1 - activation);
  const Tensor tensor =
      std::holds_alternative<Integers>(other) ? as_tensor(node, std::get<Integers>(other)) : std::get<Tensor>(other);
  const bool neutral =
      std::ranges::all_of(tensor.floats(), [&](float x) { return x == (rule == '+' || rule == '-' ? 0 : 1); });
  if (neutral && tensor.elements() == 1 && !(activation == 1 && (rule == '-' || rule == '/')))
    return importer.set(node, src);
  const auto values = for_channels(importer, src, tensor);
  if (!values) {
    node.unsupported(
        fmt::format("combines extents {} with a constant of {}, expected a map with one number, or one a channel",
                    to_string(src.extents), to_string(tensor.shape())));
  }
  std::vector<float> scale(values->size(), 1.0F), shift(values->size(), 0.0F);
  for (size_t c = 0; c < values->size(); ++c) {
    const float x = (*values)[c];
    if (rule == '+') shift[c] = x;
    if (rule == '-') shift[c] = activation == 0 ? -x : x;
    if (rule == '-' && activation == 1) scale[c] = -1;
    if (rule == '*') scale[c] = x;
    if (rule == '/') scale[c] = 1 / x;
  }
  if (rule == '/' && activation == 1) node.unsupported("divides by a value of the network");
  Activation result = src;
  result.node = scale_channels(importer, importer.name_for(node), src.node, scale, shift);
  importer.set(node, result);
}

// Of one shape, or a map and a factor for each of its channels, in either order.
void read_product(Importer& importer, const OnnxNode& node, const Activation& a, const Activation& b) {
  const auto scales = [&](const Activation& factor, const Activation& map) {
    return map.view == View::kPlain && map.extents.size() == 3 && factor.extents == Shape{map.extents[0], 1, 1} &&
           factor.extents != map.extents;
  };
  if (scales(a, b)) return read_product(importer, node, b, a);
  const bool same = a.extents == b.extents && a.view == b.view && importer.shape(a.node) == importer.shape(b.node);
  if (!same && !scales(b, a)) {
    node.unsupported(
        fmt::format("multiplies extents {} by {}, expected two of one shape, or a map by one number a channel",
                    to_string(a.extents), to_string(b.extents)));
  }
  Activation result = a;
  const NodeId factor = same ? b.node : importer.as_map(node, b);
  const NodeId map = same ? a.node : importer.as_map(node, a);
  result.node = importer.builder().mul(importer.name_for(node), map, factor);
  importer.set(node, result);
}

Activation sum_of(Importer& importer, const OnnxNode& node, const Activation& a, const Activation& b) {
  const bool same = a.extents == b.extents && a.view == b.view && importer.shape(a.node) == importer.shape(b.node);
  if (!same) {
    node.unsupported(
        fmt::format("adds extents {} to {}, expected the same", to_string(b.extents), to_string(a.extents)));
  }
  Activation result = a;
  result.node = importer.builder().add(importer.name_for(node), a.node, b.node);
  return result;
}

void read_of_two(Importer& importer, const OnnxNode& node, char rule) {
  const Activation a = importer.settled(node, importer.activation(node, 0));
  const Activation b = importer.settled(node, importer.activation(node, 1));
  if (rule == '*') return read_product(importer, node, a, b);
  if (rule != '+') node.unsupported("combines two values of the network; of sums and products this is read");
  importer.set(node, sum_of(importer, node, a, b));
}

template <char Rule>
void read_binary(Importer& importer, OnnxNode& node) {
  for (const char* each : {"axis", "broadcast"}) node.ignore(each);  // of the oldest operator sets
  const bool first = importer.is_activation(node, 0), second = importer.is_activation(node, 1);
  if (first && second) return read_of_two(importer, node, Rule);
  if (first || second) return read_with_constant(importer, node, first ? 0 : 1, Rule);
  const ImportValue &a = importer.value(node, 0), &b = importer.value(node, 1);
  if (std::holds_alternative<Integers>(a) && std::holds_alternative<Integers>(b)) {
    return importer.set(node, combine(node, std::get<Integers>(a), std::get<Integers>(b), Rule));
  }
  const auto number = [&](const ImportValue& value) {
    return std::holds_alternative<Tensor>(value) ? std::get<Tensor>(value) : as_tensor(node, std::get<Integers>(value));
  };
  importer.set(node, combine(node, number(a), number(b), [](float x, float y) {
                 return Rule == '+' ? x + y : Rule == '-' ? x - y : Rule == '*' ? x * y : x / y;
               }));
}

void read_sum(Importer& importer, OnnxNode& node) {
  if (node.input_count() == 0) node.damaged("adds nothing");
  Activation sum = importer.settled(node, importer.activation(node, 0));
  for (size_t i = 1; i < node.input_count(); ++i) {
    sum = sum_of(importer, node, sum, importer.settled(node, importer.activation(node, i)));
  }
  importer.set(node, sum);
}

constexpr std::array<ImportOperation, 16> kOperations{{{"Add", read_binary<'+'>},
                                                       {"Clip", read_clip},
                                                       {"Div", read_binary<'/'>},
                                                       {"Dropout", read_dropout},
                                                       {"Gelu", read_gelu},
                                                       {"HardSigmoid", read_hard_sigmoid},
                                                       {"HardSwish", read_hard_swish},
                                                       {"LeakyRelu", read_leaky_relu},
                                                       {"LogSoftmax", read_softmax},
                                                       {"Mul", read_binary<'*'>},
                                                       {"PRelu", read_parametric_relu},
                                                       {"Relu", read_relu},
                                                       {"Sigmoid", read_sigmoid},
                                                       {"Softmax", read_softmax},
                                                       {"Sub", read_binary<'-'>},
                                                       {"Sum", read_sum}}};

}  // namespace

std::span<const ImportOperation> element_operations() { return kOperations; }

}  // namespace sooner
