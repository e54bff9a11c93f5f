// Some images of another source, as a source of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "data/image_source.h"

namespace sooner {

class SubsetSource final : public ImageSource {
 public:
  // REQUIRES: every index is below source->size().
  SubsetSource(std::shared_ptr<const ImageSource> source, std::vector<int64_t> indices)
      : source_(std::move(source)), indices_(std::move(indices)) {}

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  [[nodiscard]] int32_t label(int64_t index) const override { return source_->label(inner(index)); }
  [[nodiscard]] float target(int64_t index) const override { return source_->target(inner(index)); }
  void read(int64_t index, std::span<uint8_t> pixels) const override { source_->read(inner(index), pixels); }
  [[nodiscard]] double difficulty(int64_t index) const override { return source_->difficulty(inner(index)); }

 private:
  [[nodiscard]] int64_t inner(int64_t index) const { return indices_.at(static_cast<size_t>(index)); }

  std::shared_ptr<const ImageSource> source_;
  std::vector<int64_t> indices_;
};

}  // namespace sooner
