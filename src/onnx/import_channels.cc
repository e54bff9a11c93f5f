// Joining and parting channels, and the same for lists of extents.
#include <algorithm>
#include <array>
#include <limits>

#include "onnx/constant_math.h"
#include "onnx/import_operation.h"

namespace sooner {
namespace {

// Of ONNX's axes, the batch's first; 0 where features of a vector are not channels in their order.
int64_t channel_axis(const Activation& value) {
  if (value.view != View::kChannelsLast) return 1;
  return value.extents.size() == 3 ? 3 : 0;
}

void join_lists(Importer& importer, OnnxNode& node) {
  if (normal_axis(node, node.integer("axis", 0), 1) != 0) node.damaged("joins lists along another axis than their own");
  Integers all;
  for (size_t i = 0; i < node.input_count(); ++i) {
    const Integers& part = importer.integers(node, i);
    if (part.scalar) node.damaged("joins a single number");
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
  }
  if (all.values.size() > 64) node.damaged("joins more than 64 extents");
  importer.set(node, all);
}

// At most as many at once as a node may read.
NodeId join(Importer& importer, const std::string& name, std::vector<NodeId> parts) {
  while (parts.size() > kMaxInputs) {
    const std::vector<NodeId> first(parts.begin(), parts.begin() + kMaxInputs);
    const NodeId joined = importer.builder().concat(importer.unique(name + ".part"), first);
    parts.erase(parts.begin(), parts.begin() + kMaxInputs);
    parts.insert(parts.begin(), joined);
  }
  return importer.builder().concat(name, parts);
}

void read_concat(Importer& importer, OnnxNode& node) {
  if (node.input_count() == 0) node.damaged("joins nothing");
  if (std::holds_alternative<Integers>(importer.value(node, 0))) return join_lists(importer, node);
  std::vector<NodeId> parts;
  Activation first;
  for (size_t i = 0; i < node.input_count(); ++i) {
    const Activation part = importer.settled(node, importer.activation(node, i));
    if (i == 0) first = part;
    if (part.view != first.view || part.extents.size() != first.extents.size()) {
      node.unsupported(fmt::format("joins extents {} to {}", to_string(part.extents), to_string(first.extents)));
    }
    const bool plain = part.view == View::kPlain;
    parts.push_back(!plain                     ? part.node
                    : part.extents.size() == 1 ? importer.as_vector(node, part)
                                               : importer.as_map(node, part));
  }
  const int64_t axis = normal_axis(node, node.integer("axis", 1), first.extents.size() + 1);
  if (axis != channel_axis(first)) {
    node.unsupported(fmt::format("joins along axis {}, expected the channels' or features'", axis));
  }
  if (parts.size() == 1) return importer.set(node, first);
  const NodeId id = join(importer, importer.name_for(node), parts);
  if (first.view == View::kPlain) return importer.set_node(node, id);
  const Shape& map = importer.shape(id);
  importer.set(node, Activation{.node = id, .extents = {map[1], map[2], map[0]}, .view = first.view});
}

// Channels `begin` to `end` of a value.
Activation part_of(Importer& importer, const OnnxNode& node, const Activation& src, const std::string& name,
                   int64_t begin, int64_t end) {
  Activation part = src;
  const bool last = src.view == View::kChannelsLast;
  (last ? part.extents.back() : part.extents.front()) = end - begin;
  if (part.extents == src.extents) return src;
  const NodeId from = last                      ? src.node
                      : src.extents.size() == 1 ? importer.as_vector(node, src)
                                                : importer.as_map(node, src);
  part.node = importer.builder().slice(name, from, begin, end);
  return part;
}

void read_split(Importer& importer, OnnxNode& node) {
  const Activation src = importer.settled(node, importer.activation(node, 0));
  if (src.extents.size() != 1 && src.extents.size() != 3) {
    node.unsupported(fmt::format("parts extents {}, expected a map or a vector", to_string(src.extents)));
  }
  const int64_t axis = normal_axis(node, node.integer("axis", 0), src.extents.size() + 1);
  if (axis != channel_axis(src))
    node.unsupported(fmt::format("parts along axis {}, expected the channels' or features'", axis));
  const int64_t channels = src.view == View::kChannelsLast ? src.extents.back() : src.extents.front();
  const int64_t outputs = node.proto().output_size();
  std::vector<int64_t> sizes = node.integers("split").value_or(std::vector<int64_t>{});
  if (node.has_input(1)) sizes = importer.numbers(node, 1);
  const int64_t declared = node.integer("num_outputs", outputs);
  if (sizes.empty()) {
    if (declared != outputs || outputs < 1)
      node.damaged(fmt::format("has {} outputs, num_outputs is {}", outputs, declared));
    const int64_t each = (channels + outputs - 1) / outputs;
    for (int64_t i = 0; i < outputs; ++i) sizes.push_back(std::min(each, channels - i * each));
  }
  int64_t sum = 0;
  for (const int64_t size : sizes) {
    if (size < 1 || size > channels) node.unsupported(fmt::format("parts off {} of {} channels", size, channels));
    sum += size;
  }
  if (sum != channels || static_cast<int64_t>(sizes.size()) != outputs) {
    node.damaged(fmt::format("parts {} channels into {} outputs of {} in all", channels, outputs, sum));
  }
  int64_t begin = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::string& output = node.proto().output(static_cast<int>(i));
    if (!output.empty() && (!importer.file().readers(output).empty() || importer.file().is_output(output))) {
      importer.set(node, part_of(importer, node, src, importer.name_for(node), begin, begin + sizes[i]), i);
    }
    begin += sizes[i];
  }
}

struct SliceNumbers {
  std::vector<int64_t> starts, ends, axes, steps;
};

SliceNumbers slice_numbers(Importer& importer, OnnxNode& node) {
  SliceNumbers s;
  if (node.input_count() >= 3) {
    s.starts = importer.numbers(node, 1);
    s.ends = importer.numbers(node, 2);
    if (node.has_input(3)) s.axes = importer.numbers(node, 3);
    if (node.has_input(4)) s.steps = importer.numbers(node, 4);
  } else {
    s.starts = node.integers("starts").value_or(std::vector<int64_t>{});
    s.ends = node.integers("ends").value_or(std::vector<int64_t>{});
    s.axes = node.integers("axes").value_or(std::vector<int64_t>{});
  }
  if (s.axes.empty()) {
    for (size_t i = 0; i < s.starts.size(); ++i) s.axes.push_back(static_cast<int64_t>(i));
  }
  if (s.steps.empty()) s.steps.assign(s.starts.size(), 1);
  if (s.ends.size() != s.starts.size() || s.axes.size() != s.starts.size() || s.steps.size() != s.starts.size()) {
    node.damaged("has lists of different lengths");
  }
  return s;
}

void read_slice(Importer& importer, OnnxNode& node) {
  if (const auto* list = std::get_if<Integers>(&importer.value(node, 0))) {
    const Integers whole = *list;
    const SliceNumbers s = slice_numbers(importer, node);
    if (s.starts.size() != 1 || normal_axis(node, s.axes[0], 1) != 0 || s.steps[0] != 1) {
      node.unsupported("takes more than one run of a list of extents");
    }
    const auto extent = static_cast<int64_t>(whole.values.size());
    Integers part;
    for (int64_t i = run_bound(s.starts[0], extent); i < run_bound(s.ends[0], extent); ++i)
      part.values.push_back(whole.values[static_cast<size_t>(i)]);
    return importer.set(node, part);
  }
  Activation value = importer.settled(node, importer.activation(node, 0));
  const SliceNumbers s = slice_numbers(importer, node);
  for (size_t i = 0; i < s.starts.size(); ++i) {
    const int64_t axis = normal_axis(node, s.axes[i], value.extents.size() + 1);
    const bool everything = s.starts[i] == 0 && s.ends[i] >= std::numeric_limits<int32_t>::max();
    if (axis == 0 && everything && s.steps[i] == 1) continue;
    if (axis == 0) node.unsupported("takes a part of the batch");
    const int64_t extent = value.extents[static_cast<size_t>(axis - 1)];
    const int64_t begin = run_bound(s.starts[i], extent), end = run_bound(s.ends[i], extent);
    if (s.steps[i] == 1 && begin == 0 && end == extent) continue;
    if (axis != channel_axis(value) || s.steps[i] != 1 || (value.extents.size() != 1 && value.extents.size() != 3)) {
      node.unsupported(fmt::format(
          "takes a part along axis {} in steps of {}, expected one run of channels or features", axis, s.steps[i]));
    }
    if (begin >= end) node.unsupported("takes no channel at all");
    value = part_of(importer, node, value, importer.name_for(node), begin, end);
  }
  importer.set(node, value);
}

constexpr std::array<ImportOperation, 3> kOperations{
    {{"Concat", read_concat}, {"Slice", read_slice}, {"Split", read_split}}};

}  // namespace

std::span<const ImportOperation> channel_operations() { return kOperations; }

}  // namespace sooner
