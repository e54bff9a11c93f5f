#include "backend/onednn/byte_convolution.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "backend/onednn/library.h"
#include "core/error.h"

namespace sooner::onednn {
namespace {

constexpr size_t kLanes = 16;
// A padded map should stay in the second-level cache, the weights of two blocks in the first; beyond that oneDNN is
// level, then ahead (measured on Zen 5 with 64 to 512 channels).
constexpr double kLargestMapBytes = 256 << 10;
constexpr int64_t kMostChannels = 64;
// What a tile may read behind the last row, in windows: it has at most 16, and two more with shared columns.
constexpr size_t kWindowsBehind = 18;
// AMX computes 16 and more channels faster than any vector unit.
constexpr int64_t kAmxChannels = 16;

size_t blocks_of(const Conv2dAttributes& a) { return (static_cast<size_t>(a.out_channels) + kLanes - 1) / kLanes; }

// The tile whose columns waste least on a row of `width` results; of equal ones the widest.
ByteTile best_tile(int blocks, bool may_share, size_t width) {
  ByteTile best;
  double least = std::numeric_limits<double>::infinity();
  for (const ByteTile& tile : std::span(kByteTiles, kByteTileCount)) {
    if (tile.blocks != blocks || (tile.shares_columns && !may_share)) continue;
    const auto pixels = static_cast<size_t>(tile.pixels);
    const auto tiles = static_cast<double>((width + pixels - 1) / pixels);
    // In units of one result: the results computed, weights loaded once a tile, results started and stored. Tiles of
    // few results wait for their own sums; sharing saves a part of the loads.
    const double cost = tiles * (std::max(tile.pixels * tile.blocks, 10) + 1.0) * (tile.shares_columns ? 0.9 : 1);
    if (cost <= least) {
      least = cost;
      best = tile;
    }
  }
  return best;
}

}  // namespace

bool ByteConvolution::takes(const ConvolutionSetup& setup) {
  const Conv2dAttributes& a = setup.attributes;
  const int64_t channels = setup.src_shape[0];
  if (setup.precision != Precision::kInt8 || !has_isa(dnnl::cpu_isa::avx512_core_vnni)) return false;
  if (has_isa(dnnl::cpu_isa::avx512_core_amx) && channels >= kAmxChannels) return false;
  if (channels > kMostChannels) return false;
  const double padded_bytes = static_cast<double>(channels) *
                              static_cast<double>(setup.src_shape[1] + a.pad_top + a.pad_bottom) *
                              static_cast<double>(setup.src_shape[2] + a.pad_left + a.pad_right);
  return a.groups == 1 && a.dilation_h == 1 && a.dilation_w == 1 && padded_bytes <= kLargestMapBytes;
}

ByteConvolution::ByteConvolution(const ConvolutionSetup& setup) {
  SOONER_ASSERT(takes(setup));
  const Conv2dAttributes& a = setup.attributes;
  const auto channels = static_cast<size_t>(setup.src_shape[0]), outputs = static_cast<size_t>(a.out_channels);
  const auto kernel_h = static_cast<size_t>(a.kernel_h), kernel_w = static_cast<size_t>(a.kernel_w);
  src_is_signed_ = setup.src_scale.is_signed;
  src_rows_ = static_cast<size_t>(setup.src_shape[1]);
  src_row_bytes_ = static_cast<size_t>(setup.src_shape[2]) * channels;
  src_image_bytes_ = src_rows_ * src_row_bytes_;
  dst_image_bytes_ = static_cast<size_t>(element_count(setup.dst_shape));
  top_ = static_cast<size_t>(a.pad_top);
  left_bytes_ = static_cast<size_t>(a.pad_left) * channels;
  padded_rows_ = src_rows_ + top_ + static_cast<size_t>(a.pad_bottom);

  ByteKernelArguments& k = arguments_;
  k.row_bytes = left_bytes_ + src_row_bytes_ + static_cast<size_t>(a.pad_right) * channels;
  k.window_step = channels * static_cast<size_t>(a.stride_w);
  k.window_row_step = k.row_bytes * static_cast<size_t>(a.stride_h);
  k.kernel_h = kernel_h;
  k.quads = (kernel_w * channels + 3) / 4;
  k.dst_h = static_cast<size_t>(setup.dst_shape[1]);
  k.dst_w = static_cast<size_t>(setup.dst_shape[2]);
  k.outputs = outputs;
  k.relu = setup.relu;
  k.dst_is_signed = setup.dst_scale.is_signed;
  if (setup.adds_to_dst) {
    k.residual = static_cast<float>(setup.residual_scale.scale / setup.dst_scale.scale);
    k.residual_is_signed = setup.residual_scale.is_signed;
  }
  scratch_bytes_ = padded_rows_ * k.row_bytes + kWindowsBehind * k.window_step + 4 * k.quads;

  const bool may_share = a.kernel_w == 3 && a.stride_w == 1 && channels % 4 == 0;
  const size_t blocks = blocks_of(a);
  last_tile_ = best_tile(1, may_share, k.dst_w);
  tile_ = blocks == 1 ? last_tile_ : best_tile(2, may_share, k.dst_w);

  const Int8Constants constants = int8_constants(setup);
  const size_t row_bytes = k.quads * 4, block_bytes = kernel_h * row_bytes * kLanes;
  weight_ = AlignedBuffer(blocks * block_bytes);
  start_.resize(blocks * kLanes);
  factor_.resize(blocks * kLanes);
  bias_.resize(blocks * kLanes);
  auto* const weight = weight_.as<int8_t>();
  for (size_t o = 0; o < outputs; ++o) {
    factor_[o] = constants.factor[o];
    bias_[o] = constants.bias[o];
    for (size_t c = 0; c < channels; ++c) {
      for (size_t y = 0; y < kernel_h; ++y) {
        for (size_t x = 0; x < kernel_w; ++x) {
          const int8_t value = constants.weight[((o * channels + c) * kernel_h + y) * kernel_w + x];
          const size_t at = x * channels + c;  // in the run of a window's row
          weight[o / kLanes * block_bytes + y * row_bytes * kLanes + at / 4 * 4 * kLanes + o % kLanes * 4 + at % 4] =
              value;
          // Signed bytes are given to the kernel 128 higher.
          if (src_is_signed_) start_[o] -= 128 * value;
        }
      }
    }
  }
  k.weight = weight;
  k.start = start_.data();
  k.factor = factor_.data();
  k.bias = bias_.data();
}

void ByteConvolution::pad(const std::byte* src, uint8_t* padded) const {
  const size_t row_bytes = arguments_.row_bytes, right_bytes = row_bytes - left_bytes_ - src_row_bytes_;
  const int zero = src_is_signed_ ? 128 : 0;
  std::memset(padded, zero, top_ * row_bytes);
  uint8_t* to = padded + top_ * row_bytes;
  for (size_t y = 0; y < src_rows_; ++y) {
    std::memset(to, zero, left_bytes_);
    if (src_is_signed_) {
      for (size_t i = 0; i < src_row_bytes_; ++i) to[left_bytes_ + i] = static_cast<uint8_t>(src[i]) ^ 0x80U;
    } else {
      std::memcpy(to + left_bytes_, src, src_row_bytes_);
    }
    std::memset(to + left_bytes_ + src_row_bytes_, zero, right_bytes);
    src += src_row_bytes_;
    to += row_bytes;
  }
  std::memset(to, zero, (padded_rows_ - top_ - src_rows_) * row_bytes);
}

void ByteConvolution::run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch) const {
  ByteKernelArguments arguments = arguments_;
  auto* const padded = reinterpret_cast<uint8_t*>(scratch);
  arguments.src = padded;
  const size_t blocks = (arguments.outputs + kLanes - 1) / kLanes;
  for (int32_t image = 0; image < n; ++image) {
    pad(src, padded);
    arguments.dst = dst;
    size_t block = 0;
    for (; block + static_cast<size_t>(tile_.blocks) <= blocks; block += static_cast<size_t>(tile_.blocks)) {
      tile_.run(arguments, block);
    }
    if (block < blocks) last_tile_.run(arguments, block);
    src += src_image_bytes_;
    dst += dst_image_bytes_;
  }
}

}  // namespace sooner::onednn
