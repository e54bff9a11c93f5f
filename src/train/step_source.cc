#include "train/step_source.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "train/evaluate.h"

namespace sooner {

StepSource::StepSource(const TrainConfig& config, const TrainingSetup& setup, const RunFolder& folder,
                       GraphModule& module, const ComputeMode& mode)
    : config_(config), setup_(setup), folder_(folder), module_(module), mode_(mode) {
  make_loader();
}

LoaderOptions StepSource::loader_options() const {
  LoaderOptions loader;
  loader.batch_size = config_.train.batch_size;
  loader.threads = config_.train.loader_threads;
  loader.shuffle = true;
  // Every step sees a full batch: normalisation statistics of a rest of one image would be nonsense.
  loader.drop_last = true;
  loader.seed = config_.train.seed;
  loader.augment = config_.augment;
  loader.mean = setup_.data.mean;
  loader.std = setup_.data.std;
  return loader;
}

void StepSource::make_loader() {
  const DataSet& data = setup_.data;
  const std::vector<int64_t>& indices = setup_.splits.train.indices;
  if (cache_ == nullptr) {
    loader_ = std::make_unique<BatchLoader>(data.train, data.image_shape, indices, loader_options());
    return;
  }
  LoaderOptions labels = loader_options();
  labels.augment = {};
  labels.mean = {0};
  labels.std = {1};
  loader_ = std::make_unique<BatchLoader>(std::make_shared<LabelSource>(data.train), Shape{1, 1, 1}, indices, labels);
}

std::string StepSource::enter(const Phase& phase, int64_t first_epoch) {
  const bool kept = cache_ != nullptr;
  cache_.reset();
  rounded_ = false;
  const std::vector<int64_t>& indices = setup_.splits.train.indices;
  const std::string& wanted = config_.train.feature_cache;
  const bool frozen = module_.frontier().front() != 0;
  const bool augmented = config_.augment.any();
  std::string reason;  // not to keep them
  if (config_.mixing.any()) {
    reason = ", since pictures are mixed";
  } else if (wanted == "auto" && augmented) {
    reason = ", since images are augmented (train.feature_cache=on keeps some draws)";
  } else if (frozen && wanted != "off") {
    try {
      const int64_t draws = augmented ? std::min<int64_t>(config_.train.feature_draws, phase.epochs) : int64_t{1};
      cache_ =
          std::make_unique<FeatureCache>(folder_.features(), module_, mode_,
                                         FeatureSource{setup_.data, indices, loader_options(), first_epoch, draws});
    } catch (const Error& error) {
      if (wanted == "on" || error.code() != Code::kResourceExhausted) throw;
      reason = ", since their features do not fit on disk";
      rounded_ = true;
    }
  }
  if (kept || cache_ != nullptr) make_loader();
  if (cache_ != nullptr) {
    return fmt::format(
        "{}: the frozen stages' features of {} images ({}) are kept, {}; computing them took {:.2f} ms a batch",
        phase.name, indices.size(),
        augmented ? fmt::format("{} draws of augmentation", cache_->draws()) : "not augmented",
        human_bytes(static_cast<double>(cache_->bytes())), 1e3 * cache_->seconds_computing());
  }
  return frozen ? fmt::format("{}: the frozen stages are computed at every step{}", phase.name, reason) : "";
}

ExitOutputs StepSource::forward(const Batch& batch, int64_t phase_epoch, const std::optional<Mixing>& mixing) {
  SOONER_ASSERT(!mixing || cache_ == nullptr);
  if (cache_ != nullptr) {
    const std::vector<at::Tensor> rows = cache_->rows(phase_epoch % cache_->draws(), batch.indices);
    const AutocastRegion autocast(mode_);
    return module_.forward_from(rows);
  }
  at::Tensor images = place_images(batch.images, batch.n, setup_.data.image_shape, mode_);
  if (mixing) images = mix_images(images, *mixing);
  const AutocastRegion autocast(mode_);
  if (!rounded_) return module_.forward(images, true);
  std::vector<at::Tensor> values = module_.frontier_values(images);
  for (at::Tensor& value : values) value = value.to(at::kBFloat16).to(value.scalar_type());
  return module_.forward_from(values);
}

std::string StepSource::gain(double seconds_a_step) const {
  const double without = seconds_a_step - cache_->seconds_reading() + cache_->seconds_computing();
  return fmt::format("{:.1f} steps/s with features read back, about {:.1f} with the frozen stages computed",
                     1 / seconds_a_step, 1 / without);
}

}  // namespace sooner
