#include <nlohmann/json.hpp>

#include "format/manifest.h"
#include "format/policy_json.h"
#include "graph/cost.h"
#include "onnx/onnx_export.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

Json values_to_json(const std::vector<OnnxStage::Value>& values) {
  Json list = Json::array();
  for (const OnnxStage::Value& value : values) list.push_back({{"name", value.name}, {"shape", value.shape}});
  return list;
}

}  // namespace

std::string onnx_stages_manifest(const ModelFile& file, const std::vector<OnnxStage>& stages) {
  const Manifest& manifest = file.manifest;
  const GraphCost cost = compute_cost(manifest.graph);
  Json json;
  json["network"] = manifest.graph.name;
  json["model_hash"] = model_hash(file);
  json["classes"] = manifest.class_names;
  json["preprocessing"] = {{"image_shape", manifest.preprocessing.image_shape},
                           {"mean", manifest.preprocessing.mean},
                           {"std", manifest.preprocessing.std},
                           {"channel_order", manifest.preprocessing.channel_order}};
  json["policy"] = policy_to_json(manifest.policy, kFormatVersion, static_cast<int32_t>(manifest.graph.classes));
  if (manifest.cost_weights) json["cost_weights"] = cost_weights_to_json(manifest.cost_weights);
  json["plain_macs"] = cost.backbone_macs;
  json["stages"] = Json::array();
  for (size_t k = 0; k < stages.size(); ++k) {
    json["stages"].push_back({{"file", "stage" + std::to_string(k) + ".onnx"},
                              {"exit", manifest.graph.stages[k].exit.name},
                              {"inputs", values_to_json(stages[k].inputs)},
                              {"outputs", values_to_json(stages[k].outputs)},
                              {"macs", cost.stages[k].trunk_macs + cost.stages[k].head_macs},
                              {"exit_fraction", cost.exit_fraction[k]}});
  }
  return json.dump(2) + "\n";
}

}  // namespace sooner
