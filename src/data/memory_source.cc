#include "data/memory_source.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>
#include <utility>

#include "core/error.h"

namespace sooner {

MemorySource::MemorySource(const Shape& image_shape, std::vector<uint8_t> pixels, std::vector<int32_t> labels,
                           std::vector<float> difficulty, std::vector<float> targets)
    : image_bytes_(static_cast<size_t>(element_count(image_shape))),
      pixels_(std::move(pixels)),
      labels_(std::move(labels)),
      difficulty_(std::move(difficulty)),
      targets_(std::move(targets)) {
  if (image_bytes_ == 0 || pixels_.size() != labels_.size() * image_bytes_) {
    fail(Code::kInvalidArgument, "[data] got {} bytes of pixels for {} labels, expected {} a label ({})",
         pixels_.size(), labels_.size(), image_bytes_, to_string(image_shape));
  }
  if (!difficulty_.empty() && difficulty_.size() != labels_.size()) {
    fail(Code::kInvalidArgument, "[data] got {} difficulties for {} labels, expected as many or none",
         difficulty_.size(), labels_.size());
  }
  if (!targets_.empty() && targets_.size() != labels_.size()) {
    fail(Code::kInvalidArgument, "[data] got {} targets for {} labels, expected as many or none", targets_.size(),
         labels_.size());
  }
}

void MemorySource::read(int64_t index, std::span<uint8_t> pixels) const {
  if (index < 0 || index >= size() || pixels.size() != image_bytes_) {
    fail(Code::kOutOfRange, "[data] read of image {} into {} bytes, expected an index below {} and {} bytes", index,
         pixels.size(), size(), image_bytes_);
  }
  std::copy_n(pixels_.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(index) * image_bytes_), image_bytes_,
              pixels.begin());
}

float MemorySource::target(int64_t index) const {
  if (targets_.empty()) return ImageSource::target(index);
  return targets_.at(static_cast<size_t>(index));
}

double MemorySource::difficulty(int64_t index) const {
  if (difficulty_.empty()) return ImageSource::difficulty(index);
  return static_cast<double>(difficulty_.at(static_cast<size_t>(index)));
}

std::shared_ptr<const MemorySource> hold_in_memory(const ImageSource& source, const Shape& image_shape,
                                                   int32_t threads) {
  const auto image_bytes = static_cast<size_t>(element_count(image_shape));
  const int64_t count = source.size();
  std::vector<uint8_t> pixels(static_cast<size_t>(count) * image_bytes);
  std::vector<int32_t> labels(static_cast<size_t>(count));
  std::vector<float> difficulty(static_cast<size_t>(count));
  std::vector<float> targets(static_cast<size_t>(count));

  const int64_t workers = std::clamp<int64_t>(threads, 1, std::max<int64_t>(1, count));
  std::vector<std::exception_ptr> errors(static_cast<size_t>(workers));
  std::atomic<bool> stop = false;
  const auto fill = [&](int64_t worker) {
    try {
      for (int64_t i = count * worker / workers; i < count * (worker + 1) / workers && !stop; ++i) {
        const auto at = static_cast<size_t>(i);
        source.read(i, std::span(pixels).subspan(at * image_bytes, image_bytes));
        labels[at] = source.label(i);
        difficulty[at] = static_cast<float>(source.difficulty(i));
        targets[at] = source.target(i);
      }
    } catch (...) {
      errors[static_cast<size_t>(worker)] = std::current_exception();
      stop = true;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int64_t worker = 1; worker < workers; ++worker) pool.emplace_back(fill, worker);
    fill(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  const auto unknown = [](const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  };
  if (unknown(difficulty)) difficulty.clear();
  if (unknown(targets)) targets.clear();
  return std::make_shared<const MemorySource>(image_shape, std::move(pixels), std::move(labels), std::move(difficulty),
                                              std::move(targets));
}

}  // namespace sooner
