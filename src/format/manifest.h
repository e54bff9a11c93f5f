// The manifest: all that a model file says beside its weights. As plain values, as text (JSON), and the rules it obeys.
// docs/model_format.md lists every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/quantity.h"
#include "core/shape.h"
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

// Regimes of what was not trained here: weights come from elsewhere; early exits are not trained.
inline constexpr std::string_view kImportedRegime = "imported";
inline constexpr std::string_view kAttachedRegime = "attached";
inline constexpr std::string_view kCascadeRegime = "cascade";  // of networks that have regimes of their own

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
  // Weights come, wholly or in part, of a training that is not on record here, or that kept other images back: they may
  // have learnt images that are kept for calibration.
  bool trained_elsewhere = false;
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

// The newest version known here. A manifest is written in the oldest that can hold it, so that older readers read what
// they can: 6 where a policy is one, or has settings, that version 5 does not know (policy_json.h), a calibration
// record has a name or says whose logits it was made on (record_json.h), or weights come from elsewhere, 5 where the
// surest exit so far answers, 4 for a regression and for networks of later operations, 3 where a policy has what
// version 1 lacks (old_policy_json.h), a calibration record a guarantee or savings of exits, or the manifest cost
// weights, else 2 with a quantisation, else 1.
inline constexpr int kFormatVersion = 7;
int format_version(const Manifest& manifest);

// Members in a fixed order: the same manifest gives the same text. Infinities are written as the strings "inf" and
// "-inf". Throws kInvalidArgument for NaN or text that is not UTF-8.
std::string manifest_to_json(const Manifest& manifest);

// Throws kDataLoss "[place] byte …" unless the text is a manifest of a version known here: nothing missing, nothing
// unknown, everything of its type and range, check_manifest content. `first_byte` is where it stands in its file.
Manifest manifest_from_json(std::string_view text, std::string_view place, size_t first_byte);

// Throws kInvalidArgument naming the field: the graph's rules, one class name per class or a quantity,
// preprocessing that fits the
// input, policies that fit the exits, shares and accuracies within [0, 1], scales of maps the graph has.
void check_manifest(const Manifest& manifest);

// What make_policy wants to know about the model.
PolicyContext policy_context(const Manifest& manifest);

}  // namespace sooner
