// Residual networks of He et al. (2016), for CIFAR (6n+2 layers) and for ImageNet (18 and 34), of basic blocks.
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "zoo/families.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr int64_t kDeepest = 2000;

// Projections: 1x1 convolutions where extents change. What may be left out of a block.
struct BlockOptions {
  bool shortcuts = true;
  bool batch_norm = true;
};

NodeId conv_norm(GraphBuilder& b, const BlockOptions& options, const std::string& conv_name,
                 const std::string& norm_name, NodeId src, const Conv2dAttributes& attributes) {
  const NodeId x = b.conv2d(conv_name, src, attributes);
  return options.batch_norm ? b.batch_norm(norm_name, x) : x;
}

NodeId basic_block(GraphBuilder& b, const BlockOptions& options, const std::string& name, NodeId src, int64_t width,
                   int64_t stride) {
  const bool bias = !options.batch_norm;
  NodeId x = conv_norm(b, options, name + ".conv1", name + ".bn1", src, conv(width, 3, stride, 1, bias));
  x = b.relu(name + ".relu1", x);
  x = conv_norm(b, options, name + ".conv2", name + ".bn2", x, conv(width, 3, 1, 1, bias));
  if (!options.shortcuts) return b.relu(name, x);
  NodeId shortcut = src;
  if (stride != 1 || b.shape(src)[0] != width) {
    shortcut =
        conv_norm(b, options, name + ".downsample.0", name + ".downsample.1", src, conv(width, 1, stride, 0, bias));
  }
  x = b.add(name + ".add", x, shortcut);
  return b.relu(name, x);
}

// `blocks` of every group; widths double, and extents halve, from group to group.
Graph groups_of_blocks(GraphBuilder& b, const BlockOptions& options, NodeId x, const std::vector<int64_t>& blocks,
                       int64_t width) {
  for (size_t group = 0; group < blocks.size(); ++group) {
    for (int64_t block = 0; block < blocks[group]; ++block) {
      x = basic_block(b, options, fmt::format("layer{}.{}", group + 1, block), x, width << group,
                      group > 0 && block == 0 ? 2 : 1);
    }
  }
  return b.finish(b.linear("fc", b.global_avg_pool("avgpool", x), b.classes()));
}

Graph cifar_network(const std::string& name, int64_t depth, const Shape& input_shape, int64_t classes, int64_t width,
                    const BlockOptions& options) {
  if (depth < 8 || depth > kDeepest || (depth - 2) % 6 != 0) {
    fail(Code::kInvalidArgument, "[zoo] {}: depth must be 6n+2, such as 8, 14, 20, 32, 56, 110, or ImageNet's 18 or 34",
         name);
  }
  GraphBuilder b(name, input_shape, classes);
  NodeId x = conv_norm(b, options, "conv1", "bn1", b.input(), conv(width, 3, 1, 1, !options.batch_norm));
  x = b.relu("relu", x);
  const int64_t blocks = (depth - 2) / 6;
  return groups_of_blocks(b, options, x, {blocks, blocks, blocks}, width);
}

// With `cifar` the first convolution is 3x3 and nothing is pooled.
Graph imagenet_network(Variant& variant, int64_t depth, const Shape& input_shape, int64_t classes) {
  const bool cifar = variant.take("cifar");
  variant.expect_no_more("cifar");
  GraphBuilder b(variant.name(), input_shape, classes);
  NodeId x = b.conv2d("conv1", b.input(), cifar ? conv(64, 3, 1, 1, false) : conv(64, 7, 2, 3, false));
  x = b.relu("relu", b.batch_norm("bn1", x));
  if (!cifar) x = b.max_pool("maxpool", x, pool(3, 2, 1));
  const std::vector<int64_t> blocks = depth == 18 ? std::vector<int64_t>{2, 2, 2, 2} : std::vector<int64_t>{3, 4, 6, 3};
  return groups_of_blocks(b, {}, x, blocks, 64);
}

}  // namespace

Graph resnet_cifar(int64_t depth, const Shape& input_shape, int64_t classes, int64_t base_width) {
  const std::string name =
      base_width == 16 ? fmt::format("resnet{}", depth) : fmt::format("resnet{}:w{}", depth, base_width);
  return cifar_network(name, depth, input_shape, classes, base_width, {});
}

Graph resnet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  BlockOptions options;
  options.shortcuts = variant.family().starts_with("resnet");
  const size_t letters = std::string_view(options.shortcuts ? "resnet" : "plainnet").size();
  const int64_t depth = parse_integer("zoo", std::string_view(variant.family()).substr(letters), 0, 1'000'000);
  if (options.shortcuts && (depth == 18 || depth == 34)) return imagenet_network(variant, depth, input_shape, classes);
  options.batch_norm = !variant.take("no-bn");
  const double width = variant.take_number('w', 1, 4096).value_or(16);
  variant.expect_no_more("a width such as w8, or no-bn");
  if (width != std::floor(width)) {
    fail(Code::kInvalidArgument, "[zoo] '{}': got a width of {}, expected a whole number", variant.name(), width);
  }
  if (options.shortcuts && !options.batch_norm) {
    fail(Code::kInvalidArgument,
         "[zoo] '{}': sums of shortcuts grow with depth without normalisation; no-bn is for plainnet", variant.name());
  }
  return cifar_network(variant.name(), depth, input_shape, classes, static_cast<int64_t>(width), options);
}

}  // namespace sooner
