// A model as it lies on disk: weights, graph and everything needed to answer, in one `.safetensors` file.
// docs/model_format.md describes it byte by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/quantity.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/quantisation.h"
#include "policy/calibration_record.h"

namespace sooner {

// Pixels p in [0, 255] become (p / 255 - mean) / std, per channel.
struct Preprocessing {
  Shape image_shape;                  // [C, H, W]
  std::vector<double> mean;           // [C]
  std::vector<double> std;            // [C]
  std::string channel_order = "RGB";  // "RGB" or "L" (grey)
};

struct Provenance {
  std::string sooner_version;
  std::string regime;       // "differentiable"
  std::string config_hash;  // 16 hex digits
  std::string config_toml;  // the resolved configuration, whole
  uint64_t seed = 0;
  std::string data_set;   // "fashion-mnist"
  std::string data_hash;  // content hash of the training images and labels
  int64_t epochs = 0;
  std::string trained_at;  // ISO 8601, UTC
};

struct Manifest {
  Graph graph;
  std::vector<std::string> class_names;  // [classes]; none in a regression
  std::optional<Quantity> quantity;      // that a regression is asked for: what logits stand for, in its unit
  Preprocessing preprocessing;
  PolicySpec policy;  // the default policy
  std::vector<CalibrationRecord> calibrations;
  std::optional<CostWeights> cost_weights;   // where the gates were trained for a range of them
  std::optional<Quantisation> quantisation;  // scales for int8, where they were measured
  std::string saved_precision = "fp32";      // of the weights
  Provenance provenance;
  // Trainer's logits on a few real samples, for `check`: tensors "sooner.check.images" (U8 [n, C, H, W]) and
  // "sooner.check.logits" (F32 [n, K, classes]), "sooner.check.gates" (F32 [n, K-1]) stand beside the weights; 0: none.
  int64_t check_samples = 0;
};

struct ModelFile {
  Manifest manifest;
  TensorMap tensors;  // every parameter of the graph, and the check tensors
};

// Throws kNotFound / kPermissionDenied, and kDataLoss naming the byte offset for anything that is not a valid model:
// the file is checked against limits before anything is allocated. load_model maps the file: tensors share its bytes.
ModelFile load_model(const std::filesystem::path& path);
ModelFile parse_model(std::span<const std::byte> file, const std::string& name);

// Atomic (core/file.h). Throws kInvalidArgument when tensors do not match the graph.
void save_model(const ModelFile& model, const std::filesystem::path& path);
std::vector<std::byte> serialize_model(const ModelFile& model);

// What make_policy wants to know about the model.
PolicyContext policy_context(const Manifest& manifest);

// 16 hex digits over graph and weights, not over calibration: a model keeps its identity when tuned.
std::string model_hash(const ModelFile& model);

// The model's quantisation, or null where it has none. Throws kFailedPrecondition when it was measured on other
// weights.
const Quantisation* current_quantisation(const ModelFile& model);

}  // namespace sooner
