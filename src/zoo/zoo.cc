#include "zoo/zoo.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "graph/graph_builder.h"
#include "zoo/heads.h"
#include "zoo/placement.h"

namespace sooner {
namespace {

constexpr int64_t kDeepest = 2000;

NodeId basic_block(GraphBuilder& b, const std::string& name, NodeId src, int64_t width, int64_t stride) {
  NodeId x = b.conv2d(name + ".conv1", src, conv(width, 3, stride, 1, false));
  x = b.batch_norm(name + ".bn1", x);
  x = b.relu(name + ".relu1", x);
  x = b.conv2d(name + ".conv2", x, conv(width, 3, 1, 1, false));
  x = b.batch_norm(name + ".bn2", x);
  NodeId shortcut = src;
  if (stride != 1 || b.shape(src)[0] != width) {
    shortcut = b.conv2d(name + ".downsample.0", src, conv(width, 1, stride, 0, false));
    shortcut = b.batch_norm(name + ".downsample.1", shortcut);
  }
  x = b.add(name + ".add", x, shortcut);
  return b.relu(name, x);
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
  if (depth < 8 || depth > kDeepest || (depth - 2) % 6 != 0) {
    fail(Code::kInvalidArgument, "[zoo] resnet{}: depth must be 6n+2, such as 8, 14, 20, 32, 56, 110", depth);
  }
  GraphBuilder b(base_width == 16 ? fmt::format("resnet{}", depth) : fmt::format("resnet{}:w{}", depth, base_width),
                 input_shape, classes);
  NodeId x = b.conv2d("conv1", b.input(), conv(base_width, 3, 1, 1, false));
  x = b.batch_norm("bn1", x);
  x = b.relu("relu", x);
  for (int64_t group = 0; group < 3; ++group) {
    for (int64_t block = 0; block < (depth - 2) / 6; ++block) {
      x = basic_block(b, fmt::format("layer{}.{}", group + 1, block), x, base_width << group,
                      group > 0 && block == 0 ? 2 : 1);
    }
  }
  return b.finish(b.linear("fc", b.global_avg_pool("avgpool", x), classes));
}

Graph backbone_from_string(std::string_view name, const Shape& input_shape, int64_t classes) {
  if (name == "b-lenet") return b_lenet(input_shape, classes);
  const std::vector<std::string> parts = split(name, ':');
  if (parts[0].starts_with("resnet") && parts.size() <= 2) {
    const int64_t depth = parse_integer("zoo", std::string_view(parts[0]).substr(6), 8, kDeepest);
    int64_t width = 16;
    if (parts.size() == 2) {
      if (!parts[1].starts_with('w')) {
        fail(Code::kInvalidArgument, "[zoo] '{}': expected a width such as resnet20:w8", name);
      }
      width = parse_integer("zoo", std::string_view(parts[1]).substr(1), 1, 4096);
    }
    return resnet_cifar(depth, input_shape, classes, width);
  }
  fail(Code::kInvalidArgument, "[zoo] backbone '{}' is unknown; {}", name,
       suggest(name, {"b-lenet", "resnet8", "resnet14", "resnet20", "resnet32", "resnet56", "resnet110"}));
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
    ExitRequest request{points[k], head_from_string(heads[heads.size() == 1 ? 0 : k]), std::nullopt};
    if (description.gate != "none") request.gate = gate_from_string(description.gate);
    requests.push_back(std::move(request));
  }
  return attach_exits(plain, requests);
}

}  // namespace sooner
