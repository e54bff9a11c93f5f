#include "zoo/zoo.h"

#include <algorithm>
#include <span>

#include "core/error.h"
#include "core/text.h"
#include "graph/graph_builder.h"
#include "zoo/families.h"
#include "zoo/heads.h"
#include "zoo/placement.h"

namespace sooner {

std::optional<Gate> gate_from_string(std::string_view text) {
  if (text == "none") return std::nullopt;
  if (text == "both") return Gate{.features = true, .scores = true};
  if (text == "features") return Gate{.features = true, .scores = false};
  if (text == "scores") return Gate{.features = false, .scores = true};
  fail(Code::kInvalidArgument, "[gate] '{}' is unknown; expected none, features, scores or both", text);
}

const std::vector<std::string>& backbone_names() {
  static const std::vector<std::string> names{"b-lenet",   "b-alexnet",   "alexnet-cifar", "resnet8",       "resnet14",
                                              "resnet18",  "resnet20",    "resnet32",      "resnet34",      "resnet56",
                                              "resnet110", "plainnet20",  "plainnet56",    "vgg11",         "vgg13",
                                              "vgg16",     "mobilenetv2", "shufflenetv2",  "squeezenet1.1", "swift"};
  return names;
}

Graph backbone_from_string(std::string_view name, const Shape& input_shape, int64_t classes) {
  struct Family {
    std::string_view prefix;
    Graph (*build)(Variant& variant, const Shape& input_shape, int64_t classes);
  };
  // Of "resnet20" the prefix is "resnet", and digits follow.
  static constexpr Family kFamilies[] = {{"b-lenet", b_lenet_family},
                                         {"b-alexnet", b_alexnet_family},
                                         {"alexnet-cifar", alexnet_cifar_family},
                                         {"resnet", resnet_family},
                                         {"plainnet", resnet_family},
                                         {"vgg", vgg_family},
                                         {"mobilenetv2", mobilenet_family},
                                         {"shufflenetv2", shufflenet_family},
                                         {"squeezenet1.1", squeezenet_family},
                                         {"swift", swift_family}};
  Variant variant(name);
  for (const Family& family : kFamilies) {
    std::string_view rest = variant.family();
    if (!rest.starts_with(family.prefix)) continue;
    rest.remove_prefix(family.prefix.size());
    const bool numbered = family.prefix == "resnet" || family.prefix == "plainnet" || family.prefix == "vgg";
    if (numbered != rest.empty()) return family.build(variant, input_shape, classes);
  }
  fail(Code::kInvalidArgument, "[zoo] backbone '{}' is unknown; {}", name, suggest(variant.family(), backbone_names()));
}

Graph build_network(const NetworkDescription& description, const Shape& input_shape, int64_t classes) {
  return attach_described(backbone_from_string(description.backbone, input_shape, classes), description);
}

Graph attach_described(const Graph& plain, const NetworkDescription& description) {
  if (description.exits != "none") expect_plain(plain);
  const std::vector<std::string> points = place_exits(plain, description.exits);
  if (points.empty()) return plain;
  const std::vector<std::string> heads = split(description.head, ';');
  if (heads.size() != 1 && heads.size() != points.size()) {
    fail(Code::kInvalidArgument, "[network] {} heads for {} exits; give one for all, or one each", heads.size(),
         points.size());
  }
  std::vector<ExitRequest> requests;
  for (size_t k = 0; k < points.size(); ++k) {
    requests.push_back({points[k], head_from_string(heads[heads.size() == 1 ? 0 : k]),
                        gate_from_string(description.gate), description.cascade});
  }
  return attach_exits(plain, requests);
}

}  // namespace sooner
