// MobileNetV2 (Sandler et al., 2018). ":cifar" keeps the extents of the first convolution and of the second group.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "zoo/families.h"

namespace sooner {
namespace {

struct Group {
  int64_t expansion, channels, blocks, stride;
};
constexpr Group kGroups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// To the nearest multiple of eight, but not down by more than a tenth.
int64_t whole_channels(double channels) {
  const auto rounded = std::max<int64_t>(8, static_cast<int64_t>(channels + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + 8 : rounded;
}

// Convolution "<name>.0", batch norm "<name>.1", ReLU6 "<name>.2".
NodeId layer(GraphBuilder& b, const std::string& name, NodeId src, Conv2dAttributes attributes, int64_t groups = 1) {
  attributes.groups = groups;
  attributes.bias = false;
  const NodeId x = b.batch_norm(name + ".1", b.conv2d(name + ".0", src, attributes));
  return b.clip(name + ".2", x, 0, 6);
}

NodeId inverted_residual(GraphBuilder& b, const std::string& name, NodeId src, int64_t expansion, int64_t channels,
                         int64_t stride) {
  const int64_t inputs = b.shape(src)[0], hidden = inputs * expansion;
  NodeId x = src;
  int64_t index = 0;
  const auto next = [&] { return fmt::format("{}.conv.{}", name, index++); };
  if (expansion != 1) x = layer(b, next(), x, conv(hidden, 1));
  x = layer(b, next(), x, conv(hidden, 3, stride, 1), hidden);
  x = b.conv2d(next(), x, conv(channels, 1, 1, 0, false));
  x = b.batch_norm(next(), x);
  return stride == 1 && inputs == channels ? b.add(name, x, src) : x;
}

}  // namespace

Graph mobilenet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  const double multiplier = variant.take_number('w', 0.1, 4).value_or(1);
  const bool cifar = variant.take("cifar");
  variant.expect_no_more("a width such as w0.5, or cifar");
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = layer(b, "features.0", b.input(), conv(whole_channels(32 * multiplier), 3, cifar ? 1 : 2, 1));
  int64_t index = 1;
  for (const Group& group : kGroups) {
    for (int64_t block = 0; block < group.blocks; ++block) {
      const bool halves = block == 0 && group.stride == 2 && !(cifar && group.channels == 24);
      x = inverted_residual(b, fmt::format("features.{}", index++), x, group.expansion,
                            whole_channels(static_cast<double>(group.channels) * multiplier), halves ? 2 : 1);
    }
  }
  x = layer(b, fmt::format("features.{}", index), x, conv(whole_channels(1280 * std::max(1.0, multiplier)), 1));
  return b.finish(b.linear("classifier.1", b.global_avg_pool("avgpool", x), classes));
}

}  // namespace sooner
