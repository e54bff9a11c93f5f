// One convolution, with what is fused into it: our own kernel where there is one (direct_convolution.h), or oneDNN
// primitives for several batch sizes. Weights are folded and reordered once, when it is made.
//
// Maps are channels last and dense, so a row is one sample and any number of rows is worked off as a sum of batch
// sizes ("buckets"). A bucket is kept only if it gave, on random rows, the very bits that one row alone gives: a
// sample's answer does not depend on its batch-mates.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/onednn/convolution_setup.h"
#include "backend/onednn/direct_convolution.h"
#include "backend/onednn/library.h"

namespace sooner::onednn {

// Immutable; shared by threads, each with its own Arguments.
class Convolution {
 public:
  // Whether there is a kernel for it that is not oneDNN's plain reference loop.
  static bool has_fast_kernel(const ConvolutionSetup& setup);

  // Handles oneDNN needs while it runs, made once per thread.
  struct Arguments {
    struct OfBucket {
      dnnl::memory src, dst, scratch;
      std::vector<dnnl_exec_arg_t> list;
    };
    std::vector<OfBucket> buckets;
  };

  explicit Convolution(const ConvolutionSetup& setup);
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  [[nodiscard]] std::unique_ptr<Arguments> make_arguments() const;
  // src [n, H, W, C], dst [n, OH, OW, O]. Throws kInternal. No allocation by our code.
  void run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch, dnnl::stream& stream,
           Arguments& arguments) const;

  [[nodiscard]] size_t scratch_bytes() const { return scratch_bytes_; }
  // Per sample, from the primitive's own extents.
  [[nodiscard]] int64_t macs() const { return macs_; }
  // Largest first; the last is 1.
  [[nodiscard]] std::vector<int32_t> bucket_rows() const;
  // "brgconv:avx512_core", oneDNN's name for its kernel, or "sooner:avx512_core_vnni".
  [[nodiscard]] std::string implementation() const;

 private:
  struct Bucket;
  [[nodiscard]] Arguments::OfBucket arguments_of(const Bucket& bucket) const;
  void run_bucket(const Bucket& bucket, const std::byte* src, std::byte* dst, std::byte* scratch, dnnl::stream& stream,
                  Arguments::OfBucket& own) const;
  void add_bucket(const ConvolutionSetup& setup, std::span<const int8_t> bytes, int32_t rows);
  void drop_buckets_that_change_bits(bool adds_to_dst);

  std::string name_;
  std::optional<DirectConvolution> direct_;
  std::vector<Bucket> buckets_;  // largest first; none with direct_
  dnnl::memory bias_;
  dnnl::memory scales_;                // fp32 [O], of the sums; int8 alone
  std::vector<dnnl::memory> weights_;  // one per layout some bucket asked for
  size_t src_row_bytes_ = 0;
  size_t dst_row_bytes_ = 0;
  size_t scratch_bytes_ = 0;
  int64_t macs_ = 0;
};

}  // namespace sooner::onednn
