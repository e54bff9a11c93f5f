// From the bytes of pictures to the numbers a network takes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sooner {

// What every byte becomes in every channel: (byte / 255 - mean) / std, computed in fp64 and rounded once.
class PixelTable {
 public:
  // mean, std: [C], std above 0.
  PixelTable(std::span<const double> mean, std::span<const double> std);
  // One picture. pixels: [C, H, W], numbers: as many. REQUIRES: a multiple of C.
  void convert(std::span<const uint8_t> pixels, std::span<float> numbers) const;

 private:
  std::vector<float> numbers_;  // [C, 256]
};

}  // namespace sooner
