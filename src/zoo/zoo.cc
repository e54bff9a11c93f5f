#include "zoo/zoo.h"

#include <algorithm>
#include <span>

#include "core/error.h"
#include "core/text.h"
#include "graph/graph_builder.h"
#include "zoo/heads.h"
#include "zoo/placement.h"

namespace sooner {
namespace {

constexpr int64_t kDeepest = 2000;

// The CIFAR networks of He et al. (2016) and what may be left out of them.
struct CifarOptions {
  int64_t width = 16;
  bool shortcuts = true;
  bool batch_norm = true;
};

NodeId conv_norm(GraphBuilder& b, const CifarOptions& options, const std::string& conv_name,
                 const std::string& norm_name, NodeId src, const Conv2dAttributes& attributes) {
  const NodeId x = b.conv2d(conv_name, src, attributes);
  return options.batch_norm ? b.batch_norm(norm_name, x) : x;
}

NodeId basic_block(GraphBuilder& b, const CifarOptions& options, const std::string& name, NodeId src, int64_t width,
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

Graph cifar_network(const std::string& name, int64_t depth, const Shape& input_shape, int64_t classes,
                    const CifarOptions& options) {
  if (depth < 8 || depth > kDeepest || (depth - 2) % 6 != 0) {
    fail(Code::kInvalidArgument, "[zoo] {}: depth must be 6n+2, such as 8, 14, 20, 32, 56, 110", name);
  }
  GraphBuilder b(name, input_shape, classes);
  NodeId x = conv_norm(b, options, "conv1", "bn1", b.input(), conv(options.width, 3, 1, 1, !options.batch_norm));
  x = b.relu("relu", x);
  for (int64_t group = 0; group < 3; ++group) {
    for (int64_t block = 0; block < (depth - 2) / 6; ++block) {
      x = basic_block(b, options, fmt::format("layer{}.{}", group + 1, block), x, options.width << group,
                      group > 0 && block == 0 ? 2 : 1);
    }
  }
  return b.finish(b.linear("fc", b.global_avg_pool("avgpool", x), classes));
}

// "w8", "no-bn" after the first ':'.
CifarOptions cifar_options(std::string_view name, std::span<const std::string> words) {
  CifarOptions options;
  for (const std::string& word : words) {
    if (word.starts_with('w') && options.width == 16) {
      options.width = parse_integer("zoo", std::string_view(word).substr(1), 1, 4096);
    } else if (word == "no-bn" && options.batch_norm) {
      options.batch_norm = false;
    } else {
      fail(Code::kInvalidArgument, "[zoo] '{}': got '{}', expected a width such as w8, or no-bn", name, word);
    }
  }
  return options;
}

Gate gate_from_string(std::string_view text) {
  if (text == "both") return {.features = true, .scores = true};
  if (text == "features") return {.features = true, .scores = false};
  if (text == "scores") return {.features = false, .scores = true};
  fail(Code::kInvalidArgument, "[gate] '{}' is unknown; expected none, features, scores or both", text);
}

}  // namespace

Graph b_lenet(const Shape& input_shape, int64_t classes) {
  GraphBuilder b("b-lenet", input_shape, classes);
  const PoolAttributes halve = pool(2, 2, 0, true);
  NodeId x = b.input();
  int64_t index = 0;
  for (const int64_t channels : {5, 10, 20}) {
    const std::string suffix = std::to_string(++index);
    x = b.conv2d("conv" + suffix, x, conv(channels, 5, 1, 3));
    x = b.max_pool("pool" + suffix, x, halve);
    x = b.relu("relu" + suffix, x);
  }
  x = b.linear("fc1", b.flatten("flatten", x), 84);
  return b.finish(b.linear("fc2", x, classes));
}

Graph resnet_cifar(int64_t depth, const Shape& input_shape, int64_t classes, int64_t base_width) {
  const std::string name =
      base_width == 16 ? fmt::format("resnet{}", depth) : fmt::format("resnet{}:w{}", depth, base_width);
  return cifar_network(name, depth, input_shape, classes, {.width = base_width});
}

Graph backbone_from_string(std::string_view name, const Shape& input_shape, int64_t classes) {
  if (name == "b-lenet") return b_lenet(input_shape, classes);
  const std::vector<std::string> parts = split(name, ':');
  for (const std::string_view family : {"resnet", "plainnet"}) {
    if (!parts[0].starts_with(family)) continue;
    CifarOptions options = cifar_options(name, std::span(parts).subspan(1));
    options.shortcuts = family == "resnet";
    if (options.shortcuts && !options.batch_norm) {
      fail(Code::kInvalidArgument,
           "[zoo] '{}': sums of shortcuts grow with depth without normalisation; no-bn is for plainnet", name);
    }
    const int64_t depth = parse_integer("zoo", std::string_view(parts[0]).substr(family.size()), 8, kDeepest);
    return cifar_network(std::string(name), depth, input_shape, classes, options);
  }
  fail(Code::kInvalidArgument, "[zoo] backbone '{}' is unknown; {}", name,
       suggest(name, {"b-lenet", "resnet8", "resnet14", "resnet20", "resnet32", "resnet56", "resnet110", "plainnet20",
                      "plainnet56"}));
}

Graph build_network(const NetworkDescription& description, const Shape& input_shape, int64_t classes) {
  Graph plain = backbone_from_string(description.backbone, input_shape, classes);
  const std::vector<std::string> points = place_exits(plain, description.exits);
  if (points.empty()) return plain;
  const std::vector<std::string> heads = split(description.head, ';');
  if (heads.size() != 1 && heads.size() != points.size()) {
    fail(Code::kInvalidArgument, "[network] {} heads for {} exits; give one for all, or one each", heads.size(),
         points.size());
  }
  std::vector<ExitRequest> requests;
  for (size_t k = 0; k < points.size(); ++k) {
    ExitRequest request{points[k], head_from_string(heads[heads.size() == 1 ? 0 : k]), std::nullopt,
                        description.cascade};
    if (description.gate != "none") request.gate = gate_from_string(description.gate);
    requests.push_back(std::move(request));
  }
  return attach_exits(plain, requests);
}

}  // namespace sooner
