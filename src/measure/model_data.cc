#include "measure/model_data.h"

#include "core/error.h"
#include "data/spread.h"
#include "recipe/recorded_data.h"

namespace sooner {

ModelData open_model_data(const Manifest& manifest, const DataChoice& choice) {
  RecordedData options = recorded_data(manifest.provenance);
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
