#include "train/feature_cache.h"

#include <algorithm>
#include <cstring>

#include "core/clock.h"
#include "core/error.h"
#include "core/text.h"
#include "train/evaluate.h"
#include "train/torch_tensors.h"

namespace sooner {
FeatureCache::FeatureCache(std::filesystem::path path, const GraphModule& module, const ComputeMode& mode,
                           const FeatureSource& source)
    : path_(std::move(path)), mode_(mode), indices_(source.indices), draws_(source.draws) {
  guard_torch("FeatureCache", [&] { compute(module, source); });
  file_ = map_file(path_, SIZE_MAX);
}

FeatureCache::~FeatureCache() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void FeatureCache::learn_layout(const std::vector<at::Tensor>& values) {
  for (const at::Tensor& value : values) {
    const bool channels_last = mode_.channels_last && value.dim() == 4;
    const at::Tensor kept = channels_last ? value.permute({0, 2, 3, 1}) : value;
    Value one{{kept.sizes().begin() + 1, kept.sizes().end()}, value[0].numel(), channels_last, value.scalar_type()};
    row_elements_ += one.elements;
    layout_.push_back(std::move(one));
  }
}

void FeatureCache::check_room() const {
  const double needed =
      2.0 * static_cast<double>(row_elements_) * static_cast<double>(indices_.size()) * static_cast<double>(draws_);
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(path_.parent_path(), error);
  if (error || static_cast<double>(space.available) > needed) return;
  fail(Code::kResourceExhausted,
       "[train] features of the frozen stages take {} in '{}', where {} are free; free some and resume, or begin "
       "again with train.feature_cache=auto",
       human_bytes(needed), path_.string(), human_bytes(static_cast<double>(space.available)));
}

void FeatureCache::compute(const GraphModule& module, const FeatureSource& source) {
  LoaderOptions options = source.loader;
  options.shuffle = options.drop_last = false;
  BatchLoader loader(source.data.train, source.data.image_shape, indices_, options);
  int64_t batches = 0;
  write_file_atomically(path_, [&](FileSink& sink) {
    for (int64_t draw = 0; draw < draws_; ++draw) {
      loader.start_epoch(source.first_epoch + draw);
      while (const Batch* batch = loader.next()) {
        const Stopwatch watch;
        const at::Tensor images = place_images(batch->images, batch->n, source.data.image_shape, mode_);
        std::vector<at::Tensor> values;
        {
          const AutocastRegion autocast(mode_);
          values = module.frontier_values(images);
        }
        seconds_computing_ += watch.seconds();
        ++batches;
        if (layout_.empty()) {
          learn_layout(values);
          check_room();
        }
        for (size_t i = 0; i < values.size(); ++i) {
          const at::Tensor kept = layout_[i].channels_last ? values[i].permute({0, 2, 3, 1}) : values[i];
          values[i] = kept.to(at::kCPU, at::kBFloat16).reshape({batch->n, layout_[i].elements});
        }
        const at::Tensor rows = at::cat(values, 1).contiguous();
        sink.write(std::span<const std::byte>(static_cast<const std::byte*>(rows.const_data_ptr()), rows.nbytes()));
      }
    }
  });
  seconds_computing_ /= static_cast<double>(std::max<int64_t>(batches, 1));
}

std::vector<at::Tensor> FeatureCache::rows(int64_t draw, std::span<const int64_t> samples) {
  return guard_torch("FeatureCache::rows", [&] {
    const Stopwatch watch;
    const auto n = static_cast<int64_t>(samples.size());
    const size_t row_bytes = 2 * static_cast<size_t>(row_elements_);
    at::Tensor table = at::empty({n, row_elements_}, at::kBFloat16);
    auto* to = static_cast<std::byte*>(table.mutable_data_ptr());
    for (const int64_t sample : samples) {
      const auto found = std::ranges::lower_bound(indices_, sample);
      SOONER_ASSERT(found != indices_.end() && *found == sample);
      const size_t row = static_cast<size_t>(draw) * indices_.size() + static_cast<size_t>(found - indices_.begin());
      std::memcpy(to, file_.data.get() + row * row_bytes, row_bytes);
      to += row_bytes;
    }
    std::vector<at::Tensor> values;
    int64_t offset = 0;
    for (const Value& value : layout_) {
      std::vector<int64_t> shape{n};
      shape.insert(shape.end(), value.extents.begin(), value.extents.end());
      at::Tensor one = table.narrow(1, offset, value.elements).to(mode_.device, value.type).contiguous().view(shape);
      values.push_back(value.channels_last ? one.permute({0, 3, 1, 2}) : one);
      offset += value.elements;
    }
    seconds_reading_ += watch.seconds();
    ++calls_;
    return values;
  });
}

}  // namespace sooner
