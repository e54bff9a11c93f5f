// Images held in memory: what every reader of one-size binary sets ends in.
//
// Checks its arrays once, when made; knows nothing of files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/image_source.h"

namespace sooner {

class MemorySource final : public ImageSource {
 public:
  // `pixels` is [N, C, H, W], `labels` [N], `difficulty` [N] or empty (unknown), `targets` [N] or empty (none).
  // Throws kInvalidArgument when the sizes do not fit each other.
  MemorySource(const Shape& image_shape, std::vector<uint8_t> pixels, std::vector<int32_t> labels,
               std::vector<float> difficulty = {}, std::vector<float> targets = {});

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  [[nodiscard]] int32_t label(int64_t index) const override { return labels_.at(static_cast<size_t>(index)); }
  [[nodiscard]] float target(int64_t index) const override;
  void read(int64_t index, std::span<uint8_t> pixels) const override;
  [[nodiscard]] double difficulty(int64_t index) const override;

  [[nodiscard]] std::span<const uint8_t> pixels() const { return pixels_; }  // [N, C, H, W]
  [[nodiscard]] std::span<const int32_t> labels() const { return labels_; }  // [N]

 private:
  size_t image_bytes_;
  std::vector<uint8_t> pixels_;
  std::vector<int32_t> labels_;
  std::vector<float> difficulty_;
  std::vector<float> targets_;
};

// Reads every image of `source` once, on `threads` threads, and keeps them; rethrows what read() threw.
std::shared_ptr<const MemorySource> hold_in_memory(const ImageSource& source, const Shape& image_shape,
                                                   int32_t threads);

}  // namespace sooner
