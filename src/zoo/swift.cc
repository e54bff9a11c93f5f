// Networks for processors with matrix units: dense 3x3 convolutions, wide rather than deep, whose maps shrink early
// (after the networks of fast CIFAR-10 training: Page, 2019; Jordan, 2024). Depthwise and narrow convolutions have
// fewer multiply-accumulates and take longer.
#include <cmath>

#include "core/error.h"
#include "zoo/families.h"

namespace sooner {
namespace {

constexpr int64_t kGroups = 3;
constexpr int64_t kLeastSide = 9;  // one less behind conv0, then halved three times

// One convolution. The first of a group pools before it normalises: a quarter of the values, whose statistics are those
// of what goes on.
NodeId unit(GraphBuilder& b, const std::string& name, NodeId src, int64_t width, bool pools) {
  NodeId x = b.conv2d(name + ".conv", src, conv(width, 3, 1, 1, false));
  if (pools) x = b.max_pool(name + ".pool", x, pool(2, 2));
  return b.relu(name, b.batch_norm(name + ".bn", x));
}

// Three convolutions and more: those after the first are a residual branch.
NodeId group(GraphBuilder& b, const std::string& name, NodeId src, int64_t width, int64_t depth) {
  const NodeId first = unit(b, name + ".0", src, width, true);
  NodeId x = first;
  for (int64_t i = 1; i < depth; ++i) x = unit(b, fmt::format("{}.{}", name, i), x, width, false);
  return depth < 3 ? x : b.add(name, first, x);
}

// A narrow branch beside the groups that carries what exits need, so that the groups need not (after Han et al.,
// Dyn-Perceiver, ICCV 2023): from each group but the last, what it gave and what the branch held before, pooled.
NodeId side_branch(GraphBuilder& b, int64_t number, NodeId group, NodeId before, int64_t width) {
  const std::string name = fmt::format("side{}", number);
  NodeId x = before < 0 ? group : b.concat(name + ".join", {group, before});
  x = b.conv2d(name + ".conv", b.max_pool(name + ".pool", x, pool(2, 2)), conv(width, 3, 1, 1, false));
  return b.relu(name, b.batch_norm(name + ".bn", x));
}

int64_t whole(Variant& variant, char letter, int64_t low, int64_t high, int64_t standard) {
  const double value = variant.take_number(letter, static_cast<double>(low), static_cast<double>(high))
                           .value_or(static_cast<double>(standard));
  if (value != std::floor(value)) {
    fail(Code::kInvalidArgument, "[zoo] '{}': got {}{}, expected a whole number", variant.name(), letter, value);
  }
  return static_cast<int64_t>(value);
}

}  // namespace

Graph swift_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  const int64_t width = whole(variant, 'w', 1, 1024, 64);
  const int64_t depth = whole(variant, 'd', 1, 16, 2);
  const int64_t side_width = whole(variant, 's', 0, 1024, 0);
  variant.expect_no_more("a width such as w48, a depth such as d3, or a side branch such as s16");
  if (input_shape.at(1) < kLeastSide || input_shape.at(2) < kLeastSide) {
    fail(Code::kInvalidArgument, "[zoo] '{}' pools three times and wants pictures of at least {}x{}, got {}",
         variant.name(), kLeastSide, kLeastSide, to_string(input_shape));
  }
  GraphBuilder b(variant.name(), input_shape, classes);
  // Both signs of every direction a 2x2 patch has: what train.whiten sets.
  constexpr int64_t kPatch = 2;
  const int64_t filters = 2 * kPatch * kPatch * input_shape[0];
  NodeId x = b.relu("relu", b.conv2d("conv0", b.input(), conv(filters, kPatch, 1, 0)));
  NodeId side = -1;
  for (int64_t g = 0; g < kGroups; ++g) {
    x = group(b, fmt::format("layer{}", g + 1), x, width << g, depth);
    if (side_width > 0 && g + 1 < kGroups) side = side_branch(b, g + 1, x, side, side_width << g);
  }
  if (side >= 0) x = b.concat("join", {x, side});
  return b.finish(b.linear("fc", b.global_avg_pool("avgpool", x), classes));
}

}  // namespace sooner
