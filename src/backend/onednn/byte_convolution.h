// A convolution of bytes with our own kernel: AVX-512 with VNNI, no groups, no dilation. On small maps with few
// channels it is faster than oneDNN's: a call costs next to nothing, and a window's row is read as one run of bytes, so
// that 3 or 5 channels waste no lanes.
//
// Images are worked on one by one: a sample's bits do not depend on its batch-mates.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/onednn/byte_kernel.h"
#include "backend/onednn/convolution_setup.h"
#include "core/aligned_buffer.h"

namespace sooner::onednn {

class ByteConvolution {
 public:
  static bool takes(const ConvolutionSetup& setup);

  // REQUIRES: takes(setup)
  explicit ByteConvolution(const ConvolutionSetup& setup);
  ByteConvolution(const ByteConvolution&) = delete;
  ByteConvolution& operator=(const ByteConvolution&) = delete;

  // src [n, H, W, C], dst [n, OH, OW, O]; scratch: scratch_bytes().
  void run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch) const;
  [[nodiscard]] size_t scratch_bytes() const { return scratch_bytes_; }

 private:
  void pad(const std::byte* src, uint8_t* padded) const;

  ByteKernelArguments arguments_;  // but for src and dst
  ByteTile tile_, last_tile_;      // for all blocks of outputs; for the last where tile_ has two and one is left
  size_t src_rows_ = 0, src_row_bytes_ = 0, src_image_bytes_ = 0, dst_image_bytes_ = 0;
  size_t padded_rows_ = 0, top_ = 0, left_bytes_ = 0;
  bool src_is_signed_ = false;
  size_t scratch_bytes_ = 0;
  AlignedBuffer weight_;
  std::vector<int32_t> start_;
  std::vector<float> factor_, bias_;
};

}  // namespace sooner::onednn
