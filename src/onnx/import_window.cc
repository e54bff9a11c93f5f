#include "onnx/import_window.h"

#include <algorithm>

namespace sooner {
namespace {

constexpr int64_t kLargest = 1 << 16;

std::vector<int64_t> two(OnnxNode& node, std::string_view name, int64_t standard, int64_t low) {
  const std::vector<int64_t> list = node.integers(name).value_or(std::vector<int64_t>{standard, standard});
  if (list.size() != 2) {
    node.unsupported(fmt::format("{} has {} numbers, expected two dimensions of place", name, list.size()));
  }
  for (const int64_t number : list) {
    if (number < low || number > kLargest) {
      node.damaged(fmt::format("{} holds {}, expected {} to {}", name, number, low, kLargest));
    }
  }
  return list;
}

}  // namespace

ImportWindow read_window(OnnxNode& node, const std::vector<int64_t>& extents, const std::vector<int64_t>& kernel) {
  ImportWindow window;
  const bool given = node.has("kernel_shape");
  if (!given && kernel.empty()) node.damaged("has no kernel_shape");
  const std::vector<int64_t> declared = two(node, "kernel_shape", 1, 1);
  window.kernel = kernel.empty() ? declared : kernel;
  if (given && declared != window.kernel) node.damaged("kernel_shape is not that of its weights");
  window.strides = two(node, "strides", 1, 1);
  window.dilations = two(node, "dilations", 1, 1);
  const std::string automatic = node.text("auto_pad", "NOTSET");
  if (automatic == "NOTSET" || automatic == "VALID" || automatic.empty()) {
    const std::vector<int64_t> pads = node.integers("pads").value_or(std::vector<int64_t>(4, 0));
    if (pads.size() != 4) node.unsupported(fmt::format("pads has {} numbers, expected four", pads.size()));
    for (const int64_t pad : pads) {
      if (pad < 0 || pad > kLargest) node.unsupported(fmt::format("pads holds {}, expected 0 to {}", pad, kLargest));
    }
    window.begin = {pads[0], pads[1]};
    window.end = {pads[2], pads[3]};
    if (automatic == "VALID") window.begin = window.end = {0, 0};
    return window;
  }
  if (automatic != "SAME_UPPER" && automatic != "SAME_LOWER") {
    node.damaged(fmt::format("auto_pad is '{}'", OnnxFile::shown(automatic)));
  }
  node.ignore("pads");
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t outputs = (extents[axis] + window.strides[axis] - 1) / window.strides[axis];
    const int64_t span = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
    const int64_t all = std::max<int64_t>(0, (outputs - 1) * window.strides[axis] + span - extents[axis]);
    const int64_t less = all / 2;
    window.begin.push_back(automatic == "SAME_UPPER" ? less : all - less);
    window.end.push_back(all - window.begin.back());
  }
  return window;
}

}  // namespace sooner
