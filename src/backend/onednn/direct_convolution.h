// A convolution with our own kernel: AVX-512 with VNNI, no groups, no dilation. On small maps with few channels it is
// faster than oneDNN's: a call costs next to nothing, and a window's row is read as one run of elements, so that 3 or 5
// channels waste no lanes.
//
// Bytes to bytes; floats to floats; floats to bytes, for what reads the image in int8. Images are worked on one by one:
// a sample's bits do not depend on its batch-mates.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/onednn/convolution_setup.h"
#include "backend/onednn/direct_kernel.h"
#include "core/aligned_buffer.h"

namespace sooner::onednn {

class DirectConvolution {
 public:
  // Whether it can compute it, and sooner than oneDNN.
  static bool takes(const ConvolutionSetup& setup);

  // REQUIRES: takes(setup)
  explicit DirectConvolution(const ConvolutionSetup& setup);
  DirectConvolution(const DirectConvolution&) = delete;
  DirectConvolution& operator=(const DirectConvolution&) = delete;

  // src [n, H, W, C], dst [n, OH, OW, O]; scratch: scratch_bytes().
  void run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch) const;
  [[nodiscard]] size_t scratch_bytes() const { return scratch_bytes_; }

 private:
  void bound_results(const ConvolutionSetup& setup);
  void pack(const ConvolutionSetup& setup);
  void pad(const std::byte* src, std::byte* padded) const;

  DirectKernelArguments arguments_;  // but for src and dst
  size_t blocks_ = 0;
  size_t tile_blocks_ = 1;
  DirectKernel tile_ = nullptr, last_tile_ = nullptr;  // for tile_blocks_ at once; for one that is left over
  size_t src_rows_ = 0, src_row_bytes_ = 0, dst_image_bytes_ = 0;
  size_t padded_rows_ = 0, top_ = 0, left_bytes_ = 0;
  bool flips_sign_ = false;  // signed bytes are given to the kernel 128 higher
  size_t scratch_bytes_ = 0;
  AlignedBuffer weight_;
  std::vector<int32_t> start_;
  std::vector<float> factor_, bias_;
};

}  // namespace sooner::onednn
