// The IDX format of the MNIST family: a big-endian header, then unsigned bytes. Plain or gzip.
//
// Only unsigned bytes (type 0x08), images [N, H, W] and labels [N].
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/shape.h"
#include "data/image_source.h"

namespace sooner {

struct IdxImages {
  int64_t count = 0;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;  // [count, height, width]
};

// Both throw kNotFound, or kDataLoss naming file, byte, got and expected.
IdxImages read_idx_images(const std::filesystem::path& path);
std::vector<uint8_t> read_idx_labels(const std::filesystem::path& path);

// Both files of one part, checked against each other: as many labels as images, labels below `classes`.
// `image_shape` receives [1, H, W].
std::shared_ptr<const ImageSource> read_idx_pair(const std::filesystem::path& images,
                                                 const std::filesystem::path& labels, int64_t classes,
                                                 Shape& image_shape);

}  // namespace sooner
