// Reshaping and transposing: views of a value, written out only where an operation needs them so.
#include <algorithm>
#include <array>

#include "onnx/constant_math.h"
#include "onnx/import_operation.h"

namespace sooner {
namespace {

// [H, W, …] of a map [C, H, W].
bool starts_with_places(const Shape& extents, const Shape& map) {
  return extents.size() >= 3 && extents[0] == map[1] && extents[1] == map[2];
}

// The value seen with other extents in the same order of elements.
Activation reshaped(Importer& importer, const OnnxNode& node, const Activation& src, const Shape& extents) {
  Activation result = src;
  result.extents = extents;
  if (extents == src.extents) return src;
  const Shape& map = importer.shape(src.node);
  switch (src.view) {
    case View::kPlain:
      return result;
    case View::kPooled:
      // One extent is the channels', all others are 1, whatever their order.
      if (std::ranges::count(extents, 1) + 1 >= static_cast<int64_t>(extents.size()) &&
          std::ranges::find(extents, map[0]) != extents.end()) {
        return result;
      }
      break;
    case View::kSwapped:
      if (extents == map) {
        const NodeId id = importer.builder().channel_shuffle(importer.name_for(node), src.node, src.groups);
        return {.node = id, .extents = map};
      }
      break;
    case View::kChannelsLast:
      if (map.size() == 3 && map[1] == 1 && map[2] == 1) {
        result.view = View::kPlain;
        return result;
      }
      if (extents.size() == 1 || (extents.size() <= 4 && starts_with_places(extents, map))) return result;
      break;
    case View::kSwappedLast:
      if (extents == Shape{map[1], map[2], map[0]}) {
        const NodeId id = importer.builder().channel_shuffle(importer.name_for(node), src.node, src.groups);
        return {.node = id, .extents = extents, .view = View::kChannelsLast};
      }
      break;
  }
  node.unsupported(fmt::format("sees extents {} of a {} as {}, which is not followed here", to_string(src.extents),
                               src.view == View::kPooled         ? "mean over rows and columns"
                               : src.view == View::kChannelsLast ? "map with channels last"
                                                                 : "channel shuffle",
                               to_string(extents)));
}

// Extents behind the batch's, from what Reshape was told; `all` stands for -1.
Shape resolve(Importer& importer, const OnnxNode& node, const Activation& src, const Integers& target,
              bool zero_is_zero) {
  const int64_t elements = element_count(src.extents);
  if (target.values.empty() || target.values.size() > 8) {
    node.unsupported(fmt::format("reshapes to {} extents", target.values.size()));
  }
  Shape extents;
  int64_t product = 1, open = -1;
  for (size_t i = 0; i < target.values.size(); ++i) {
    Extent extent = target.values[i];
    if (!extent.batch && extent.value == 0 && !zero_is_zero) {
      if (i > src.extents.size()) node.damaged("keeps an extent that its input does not have");
      extent = i == 0 ? Extent{0, true} : Extent{src.extents[i - 1], false};
    }
    if (i == 0) {
      const bool batch = extent.batch || extent.value == -1 || extent.value == importer.fixed_batch();
      if (!batch) node.unsupported(fmt::format("reshapes the batch to {}", extent.value));
      continue;
    }
    if (extent.batch) node.unsupported("moves the batch to another axis");
    if (extent.value == -1) {
      if (open >= 0) node.damaged("leaves two extents open");
      if (target.values[0].value == -1 && !target.values[0].batch) node.damaged("leaves two extents open");
      open = static_cast<int64_t>(extents.size());
      extents.push_back(1);
      continue;
    }
    if (extent.value < 1 || extent.value > elements) {
      node.unsupported(fmt::format("reshapes {} to an extent of {}", to_string(src.extents), extent.value));
    }
    product *= extent.value;
    if (product > elements) node.unsupported(fmt::format("reshapes {} to more elements", to_string(src.extents)));
    extents.push_back(extent.value);
  }
  if (open >= 0) {
    extents[static_cast<size_t>(open)] = elements / product;
    product *= elements / product;
  }
  if (product != elements || extents.empty()) {
    node.unsupported(
        fmt::format("reshapes {} elements of an image to {}, across the batch", elements, to_string(extents)));
  }
  return extents;
}

Tensor reshaped_tensor(const OnnxNode& node, const Tensor& tensor, std::vector<int64_t> target) {
  int64_t product = 1, open = -1;
  if (target.size() > 8) node.damaged("has more than eight extents");
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && i < tensor.shape().size()) target[i] = tensor.shape()[i];
    if (target[i] == -1 && open < 0) {
      open = static_cast<int64_t>(i);
      continue;
    }
    const bool possible = target[i] >= 0 && target[i] <= kMaxElements && product * target[i] <= kMaxElements;
    if (!possible) node.damaged("reshapes a weight to impossible extents");
    product *= target[i];
  }
  if (open >= 0) target[static_cast<size_t>(open)] = product > 0 ? tensor.elements() / product : 0;
  if (element_count(target) != tensor.elements()) node.damaged("reshapes a weight to another number of elements");
  return Tensor::from_floats(target, tensor.floats());
}

void read_reshape(Importer& importer, OnnxNode& node) {
  const bool zero_is_zero = node.integer("allowzero", 0) != 0;
  Integers target;
  if (node.has_input(1)) {
    target = importer.integers(node, 1);
  } else {
    for (const int64_t extent : node.integers("shape").value_or(std::vector<int64_t>{}))
      target.values.push_back({extent, false});
  }
  const ImportValue& src = importer.value(node, 0);
  if (const auto* value = std::get_if<Activation>(&src)) {
    const Activation from = *value;
    return importer.set(node, reshaped(importer, node, from, resolve(importer, node, from, target, zero_is_zero)));
  }
  if (const auto* tensor = std::get_if<Tensor>(&src)) {
    return importer.set(node, reshaped_tensor(node, *tensor, importer.numbers(node, 1)));
  }
  Integers list = std::get<Integers>(src);
  if (target.values.size() > 1) node.unsupported("reshapes a list of extents");
  list.scalar = target.values.empty();
  importer.set(node, list);
}

void read_flatten(Importer& importer, OnnxNode& node) {
  const Activation src = importer.activation(node, 0);
  const int64_t axis = node.integer("axis", 1);
  if (normal_axis(node, axis, src.extents.size() + 1) != 1) {
    node.unsupported(fmt::format("flattens from axis {}, expected 1: everything but the batch", axis));
  }
  importer.set(node, reshaped(importer, node, src, {element_count(src.extents)}));
}

std::vector<int64_t> axes_of(Importer& importer, OnnxNode& node) {
  std::vector<int64_t> axes = node.integers("axes").value_or(std::vector<int64_t>{});
  if (node.has_input(1)) axes = importer.numbers(node, 1);
  return axes;
}

Shape squeezed(const OnnxNode& node, const Shape& shape, std::vector<int64_t> axes, bool batch) {
  const size_t rank = shape.size() + (batch ? 1 : 0);
  if (axes.empty()) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 1) axes.push_back(static_cast<int64_t>(i) + (batch ? 1 : 0));
    }
  }
  std::vector<bool> gone(rank);
  for (const int64_t axis : axes) gone[static_cast<size_t>(normal_axis(node, axis, rank))] = true;
  if (batch && gone[0]) node.unsupported("takes the batch's axis away");
  Shape result;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool takes = gone[i + (batch ? 1 : 0)];
    if (takes && shape[i] != 1) node.damaged(fmt::format("takes an extent of {} away", shape[i]));
    if (!takes) result.push_back(shape[i]);
  }
  return result;
}

void read_squeeze(Importer& importer, OnnxNode& node) {
  const ImportValue src = importer.value(node, 0);
  const std::vector<int64_t> axes = axes_of(importer, node);
  if (const auto* list = std::get_if<Integers>(&src)) {
    if (list->values.size() != 1) node.damaged("takes the axis of a list away that has several extents");
    return importer.set(node, Integers{list->values, true});
  }
  if (const auto* tensor = std::get_if<Tensor>(&src)) {
    return importer.set(node, Tensor::from_floats(squeezed(node, tensor->shape(), axes, false), tensor->floats()));
  }
  const auto& value = std::get<Activation>(src);
  const Shape extents = squeezed(node, value.extents, axes, true);
  if (extents.empty()) node.unsupported("leaves nothing but the batch");
  importer.set(node, reshaped(importer, node, value, extents));
}

Shape unsqueezed(const OnnxNode& node, const Shape& shape, const std::vector<int64_t>& axes, bool batch) {
  const size_t rank = shape.size() + axes.size() + (batch ? 1 : 0);
  if (rank > 8) node.damaged("has more than eight extents");
  std::vector<bool> added(rank);
  for (const int64_t axis : axes) {
    const auto at = static_cast<size_t>(normal_axis(node, axis, rank));
    if (added[at]) node.damaged("adds an axis twice");
    added[at] = true;
  }
  if (batch && added[0]) node.unsupported("puts an axis before the batch's");
  Shape result;
  size_t next = 0;
  for (size_t i = batch ? 1 : 0; i < rank; ++i) result.push_back(added[i] ? 1 : shape[next++]);
  return result;
}

void read_unsqueeze(Importer& importer, OnnxNode& node) {
  const ImportValue src = importer.value(node, 0);
  const std::vector<int64_t> axes = axes_of(importer, node);
  if (axes.empty()) node.damaged("names no axis");
  if (const auto* list = std::get_if<Integers>(&src)) {
    if (!list->scalar || axes.size() != 1) node.unsupported("makes a table of a list of extents");
    return importer.set(node, Integers{list->values, false});
  }
  if (const auto* tensor = std::get_if<Tensor>(&src)) {
    return importer.set(node, Tensor::from_floats(unsqueezed(node, tensor->shape(), axes, false), tensor->floats()));
  }
  const auto& value = std::get<Activation>(src);
  importer.set(node, reshaped(importer, node, value, unsqueezed(node, value.extents, axes, true)));
}

// Extents and axes of what a transposition makes of an image.
Activation transposed(Importer& importer, const OnnxNode& node, const Activation& src,
                      const std::vector<int64_t>& order) {
  Activation result = src;
  for (size_t i = 1; i < order.size(); ++i) result.extents[i - 1] = src.extents[static_cast<size_t>(order[i] - 1)];
  if (result.extents == src.extents && std::ranges::is_sorted(order)) return src;
  const bool one_place = std::ranges::count(src.extents, 1) + 1 >= static_cast<int64_t>(src.extents.size());
  const Shape& map = importer.shape(src.node);
  if (one_place && (src.view == View::kPooled || src.view == View::kPlain)) return result;
  if (src.view == View::kPlain && src.extents == map && order == std::vector<int64_t>{0, 2, 3, 1}) {
    result.view = View::kChannelsLast;
    return result;
  }
  if (src.view == View::kChannelsLast && src.extents.size() == 3 && order == std::vector<int64_t>{0, 3, 1, 2}) {
    result.view = View::kPlain;
    return result;
  }
  if (src.view == View::kChannelsLast && src.extents.size() == 4 && order == std::vector<int64_t>{0, 1, 2, 4, 3}) {
    result.view = View::kSwappedLast;
    result.groups = src.extents[2];
    return result;
  }
  // [g, C/g, …] with the first two exchanged: half a channel shuffle.
  std::vector<int64_t> exchange(order.size());
  for (size_t i = 0; i < exchange.size(); ++i) exchange[i] = static_cast<int64_t>(i);
  if (order.size() >= 3) std::swap(exchange[1], exchange[2]);
  const bool shuffles = src.view == View::kPlain && map.size() == 3 && src.extents.size() >= 2 && order == exchange &&
                        src.extents[0] * src.extents[1] == map[0];
  if (!shuffles) {
    node.unsupported(fmt::format("puts extents {} into another order, expected a channel shuffle or channels last",
                                 to_string(src.extents)));
  }
  result.view = View::kSwapped;
  result.groups = src.extents[0];
  return result;
}

void read_transpose(Importer& importer, OnnxNode& node) {
  const ImportValue src = importer.value(node, 0);
  std::optional<std::vector<int64_t>> order = node.integers("perm");
  const auto* value = std::get_if<Activation>(&src);
  if (value == nullptr) {
    const Tensor tensor = importer.weight(node, 0);
    if (!order) {
      order.emplace();
      for (size_t i = tensor.shape().size(); i-- > 0;) order->push_back(static_cast<int64_t>(i));
    }
    return importer.set(node, reorder_axes(node, tensor, *order));
  }
  std::vector<int64_t> sorted = order.value_or(std::vector<int64_t>{});
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) node.damaged("its perm is no order of the axes");
  }
  if (sorted.size() != value->extents.size() + 1 || order->front() != 0) {
    node.unsupported("moves the batch to another axis");
  }
  importer.set(node, transposed(importer, node, *value, *order));
}

void read_identity(Importer& importer, OnnxNode& node) { importer.set(node, ImportValue(importer.value(node, 0))); }

void read_cast(Importer& importer, OnnxNode& node) {
  const int64_t type = node.integer("to", 0);
  for (const char* each : {"saturate", "round_mode"}) node.ignore(each);
  const bool to_float = type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE;
  const bool to_integer = type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32;
  const ImportValue src = importer.value(node, 0);
  if (std::holds_alternative<Activation>(src) || std::holds_alternative<Tensor>(src)) {
    if (to_float) return importer.set(node, src);
  } else if (to_integer) {
    return importer.set(node, src);
  } else if (to_float) {
    return importer.set(node, as_tensor(node, std::get<Integers>(src)));
  }
  node.unsupported("casts to another type; export the network in fp32");
}

constexpr std::array<ImportOperation, 7> kOperations{{{"Cast", read_cast},
                                                      {"Flatten", read_flatten},
                                                      {"Identity", read_identity},
                                                      {"Reshape", read_reshape},
                                                      {"Squeeze", read_squeeze},
                                                      {"Transpose", read_transpose},
                                                      {"Unsqueeze", read_unsqueeze}}};

}  // namespace

std::span<const ImportOperation> view_operations() { return kOperations; }

}  // namespace sooner
