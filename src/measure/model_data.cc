#include "measure/model_data.h"

#include <fmt/ranges.h>

#include <toml++/toml.h>

#include <algorithm>

#include "core/error.h"
#include "data/spread.h"

namespace sooner {
namespace {

struct Recorded {
  DataOptions data;
  SplitOptions split;
};

// The [data] and [split] tables of the configuration the model was trained with.
Recorded recorded_options(const Provenance& provenance) {
  Recorded options;
  options.data.name = provenance.data_set;
  toml::table config;
  try {
    config = toml::parse(provenance.config_toml);
  } catch (const toml::parse_error& error) {
    fail(Code::kDataLoss, "[model] the recorded configuration is not TOML: {}", error.description());
  }
  const auto data = config["data"];
  if (const auto* shape = data["image_shape"].as_array()) {
    Shape extents;
    for (const toml::node& extent : *shape) extents.push_back(extent.value_or(int64_t{0}));
    if (extents.size() == 3) options.data.image_shape = extents;
  }
  options.data.glyph_train = data["glyph_train"].value_or(options.data.glyph_train);
  options.data.glyph_test = data["glyph_test"].value_or(options.data.glyph_test);
  options.data.glyph_seed = static_cast<uint64_t>(data["glyph_seed"].value_or(int64_t{1}));
  const auto split = config["split"];
  options.split.validation = split["validation"].value_or(options.split.validation);
  options.split.calibration = split["calibration"].value_or(options.split.calibration);
  options.split.imbalance = split["imbalance"].value_or(options.split.imbalance);
  options.split.seed = static_cast<uint64_t>(split["seed"].value_or(int64_t{1}));
  return options;
}

}  // namespace

ModelData open_model_data(const Manifest& manifest, const DataChoice& choice) {
  Recorded options = recorded_options(manifest.provenance);
  options.data.data_dir = choice.data_dir;
  const std::string& own = manifest.provenance.data_set;
  const bool other = !choice.name.empty() && choice.name != own;
  if (other && !choice.other_data) {
    fail(Code::kInvalidArgument,
         "[data] got '{}', but the model was trained on '{}'; leave --data out, or add --other-data to insist",
         choice.name, own);
  }
  if (other) options.data.name = choice.name;
  ModelData result;
  result.data = open_data_set(options.data);
  if (result.data.quantity != manifest.quantity) {
    const auto asked = [](const std::optional<Quantity>& quantity) {
      return quantity ? fmt::format("the {} in {}", quantity->name, quantity->unit) : std::string("a class");
    };
    fail(Code::kFailedPrecondition, "[data] '{}' asks for {}, the model answers with {}", result.data.name,
         asked(result.data.quantity), asked(manifest.quantity));
  }
  if (result.data.image_shape != manifest.preprocessing.image_shape ||
      result.data.outputs() != manifest.graph.classes) {
    fail(Code::kFailedPrecondition, "[data] '{}' has {} images in {} classes, the model expects {} in {}",
         result.data.name, to_string(result.data.image_shape), result.data.classes(),
         to_string(manifest.preprocessing.image_shape), manifest.graph.classes);
  }
  if (!other && !manifest.provenance.data_hash.empty() && result.data.hash != manifest.provenance.data_hash) {
    fail(
        Code::kFailedPrecondition,
        "[data] '{}' has content hash {}, the model was trained on {}: these are other files under the same name; give "
        "the right --data-dir, or add --other-data with --data to insist",
        result.data.name, result.data.hash, manifest.provenance.data_hash);
  }
  result.splits = make_splits(result.data, options.split);
  return result;
}

LoaderOptions loader_options(const Manifest& manifest, int32_t batch_size) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.mean = manifest.preprocessing.mean;
  options.std = manifest.preprocessing.std;
  return options;
}

Batch load_all(const Manifest& manifest, const ModelData& data, const Split& split, int64_t limit) {
  if (split.indices.empty()) {
    fail(Code::kFailedPrecondition,
         "[data] the split '{}' of {} is empty: the model was trained with a [split] that keeps no samples for it; "
         "train with some, or take another split",
         split.name, data.data.name);
  }
  const std::vector<int64_t> indices = limit < 0 ? split.indices : spread_over(split.indices, limit);
  Batch all;
  BatchLoader loader(data.source_of(split), data.data.image_shape, indices, loader_options(manifest, 256));
  loader.start_epoch(0);
  while (const Batch* batch = loader.next()) {
    all.n += batch->n;
    all.images.insert(all.images.end(), batch->images.begin(), batch->images.end());
    all.labels.insert(all.labels.end(), batch->labels.begin(), batch->labels.end());
    all.targets.insert(all.targets.end(), batch->targets.begin(), batch->targets.end());
    all.indices.insert(all.indices.end(), batch->indices.begin(), batch->indices.end());
  }
  return all;
}

}  // namespace sooner
