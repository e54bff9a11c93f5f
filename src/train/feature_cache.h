// What frozen stages give for every training image, computed once and kept as bf16 rows in a file that is mapped, not
// held in memory: the steps of a phase read rows instead of running those stages.
//
// Rounding to bf16 is part of the regime: a resumed run makes the same rows again. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/file.h"
#include "data/batch_loader.h"
#include "data/image_source.h"
#include "train/compute_mode.h"
#include "train/graph_module.h"

namespace sooner {

struct FeatureSource {
  const DataSet& data;
  std::vector<int64_t> indices;  // of the training source, ascending
  LoaderOptions loader;          // how images are augmented and normalised, how many at once
  int64_t first_epoch = 0;       // whose augmentation is the first draw
  int64_t draws = 1;             // of augmentation, in the order of epochs
};

class FeatureCache {
 public:
  // Computes the module's frontier for every image and draw. Throws kResourceExhausted, saying how much, when the disk
  // has no room; as core/file.h and the loader do. REQUIRES: the module stays as it is while the cache lives.
  FeatureCache(std::filesystem::path path, const GraphModule& module, const ComputeMode& mode,
               const FeatureSource& source);
  ~FeatureCache();  // removes the file
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  // Frontier values of these samples (indices into the training source) under a draw, for GraphModule::forward_from.
  [[nodiscard]] std::vector<at::Tensor> rows(int64_t draw, std::span<const int64_t> samples);
  [[nodiscard]] int64_t draws() const { return draws_; }
  [[nodiscard]] size_t bytes() const { return file_.size; }
  // Seconds that computing took, a batch.
  [[nodiscard]] double seconds_computing() const { return seconds_computing_; }
  // Seconds that rows() takes, a call.
  [[nodiscard]] double seconds_reading() const {
    return calls_ == 0 ? 0 : seconds_reading_ / static_cast<double>(calls_);
  }

 private:
  // One frontier value: [N, extents], where `rows_last` with channels last.
  struct Value {
    std::vector<int64_t> extents;  // of a sample, in the order they are kept
    int64_t elements = 0;
    bool channels_last = false;
    at::ScalarType type = at::kFloat;
  };
  void learn_layout(const std::vector<at::Tensor>& values);
  void check_room() const;
  void compute(const GraphModule& module, const FeatureSource& source);

  std::filesystem::path path_;
  const ComputeMode mode_;
  std::vector<int64_t> indices_;
  int64_t draws_;
  std::vector<Value> layout_;
  int64_t row_elements_ = 0;
  MappedFile file_;
  double seconds_computing_ = 0, seconds_reading_ = 0;
  int64_t calls_ = 0;
};

// The labels of a source, with images of a single pixel: a loader over it draws the same samples in the same order and
// spends no time on images.
class LabelSource final : public ImageSource {
 public:
  explicit LabelSource(std::shared_ptr<const ImageSource> source) : source_(std::move(source)) {}
  [[nodiscard]] int64_t size() const override { return source_->size(); }
  [[nodiscard]] int32_t label(int64_t index) const override { return source_->label(index); }
  [[nodiscard]] float target(int64_t index) const override { return source_->target(index); }
  void read(int64_t /*index*/, std::span<uint8_t> pixels) const override { std::ranges::fill(pixels, uint8_t{0}); }

 private:
  std::shared_ptr<const ImageSource> source_;
};

}  // namespace sooner
