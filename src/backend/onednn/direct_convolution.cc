#include "backend/onednn/direct_convolution.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "backend/onednn/library.h"
#include "core/error.h"

namespace sooner::onednn {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kWordBytes = 4;
// A padded map should stay in the second-level cache, the weights of two blocks in the first; beyond that oneDNN is
// level, then ahead (measured on Zen 5 with 64 to 512 channels of bytes).
constexpr double kLargestMapBytes = 256 << 10;
constexpr int64_t kMostByteChannels = 64;
// oneDNN uses all lanes from 16 channels of floats on.
constexpr int64_t kMostFloatChannels = 15;
// What a tile may read behind the last row, in windows: it has at most 16, and four more with shared columns.
constexpr size_t kWindowsBehind = 20;
// AMX computes 16 and more channels faster than any vector unit.
constexpr int64_t kAmxChannels = 16;

bool reads_floats(const ConvolutionSetup& setup) { return setup.precision == Precision::kF32 || setup.src_is_float; }

size_t element_bytes(bool is_float) { return is_float ? sizeof(float) : 1; }

// The tile whose columns waste least on a row of `width` results; of equal ones the widest.
DirectTile best_tile(int blocks, int shared_columns, size_t width) {
  DirectTile best;
  double least = std::numeric_limits<double>::infinity();
  for (const DirectTile& tile : std::span(kDirectTiles, kDirectTileCount)) {
    if (tile.blocks != blocks || (tile.columns > 1 && tile.columns != shared_columns)) continue;
    const auto pixels = static_cast<size_t>(tile.pixels);
    const size_t tiles = (width + pixels - 1) / pixels;
    // In units of one result: the results computed, weights loaded once a tile. Tiles of few results wait for their own
    // sums; sharing saves a part of the loads.
    const double cost =
        static_cast<double>(tiles) * (std::max(tile.pixels * tile.blocks, 10) + 1.0) * (tile.columns > 1 ? 0.9 : 1);
    if (cost <= least) {
      least = cost;
      best = tile;
    }
  }
  return best;
}

}  // namespace

bool DirectConvolution::takes(const ConvolutionSetup& setup) {
  const Conv2dAttributes& a = setup.attributes;
  const int64_t channels = setup.src_shape[0];
  if (setup.precision == Precision::kBF16 || !has_isa(dnnl::cpu_isa::avx512_core_vnni)) return false;
  const bool floats = reads_floats(setup);
  if (channels > (floats ? kMostFloatChannels : kMostByteChannels)) return false;
  if (!floats && has_isa(dnnl::cpu_isa::avx512_core_amx) && channels >= kAmxChannels) return false;
  const double padded_bytes = static_cast<double>(element_bytes(floats)) * static_cast<double>(channels) *
                              static_cast<double>(setup.src_shape[1] + a.pad_top + a.pad_bottom) *
                              static_cast<double>(setup.src_shape[2] + a.pad_left + a.pad_right);
  return a.groups == 1 && a.dilation_h == 1 && a.dilation_w == 1 && padded_bytes <= kLargestMapBytes;
}

DirectConvolution::DirectConvolution(const ConvolutionSetup& setup) {
  SOONER_ASSERT(takes(setup));
  const Conv2dAttributes& a = setup.attributes;
  const bool floats = reads_floats(setup), writes_floats = setup.precision == Precision::kF32;
  const auto channels = static_cast<size_t>(setup.src_shape[0]);
  const size_t pixel_bytes = channels * element_bytes(floats);
  flips_sign_ = !floats && setup.src_scale.is_signed;
  src_rows_ = static_cast<size_t>(setup.src_shape[1]);
  src_row_bytes_ = static_cast<size_t>(setup.src_shape[2]) * pixel_bytes;
  dst_image_bytes_ = static_cast<size_t>(element_count(setup.dst_shape)) * element_bytes(writes_floats);
  top_ = static_cast<size_t>(a.pad_top);
  left_bytes_ = static_cast<size_t>(a.pad_left) * pixel_bytes;
  padded_rows_ = src_rows_ + top_ + static_cast<size_t>(a.pad_bottom);

  DirectKernelArguments& k = arguments_;
  k.row_bytes = left_bytes_ + src_row_bytes_ + static_cast<size_t>(a.pad_right) * pixel_bytes;
  k.window_step = pixel_bytes * static_cast<size_t>(a.stride_w);
  k.window_row_step = k.row_bytes * static_cast<size_t>(a.stride_h);
  k.kernel_h = static_cast<size_t>(a.kernel_h);
  k.words = (static_cast<size_t>(a.kernel_w) * pixel_bytes + kWordBytes - 1) / kWordBytes;
  k.dst_h = static_cast<size_t>(setup.dst_shape[1]);
  k.dst_w = static_cast<size_t>(setup.dst_shape[2]);
  k.outputs = static_cast<size_t>(a.out_channels);
  k.dst_is_float = writes_floats;
  bound_results(setup);
  if (setup.adds_to_dst) {
    k.residual = writes_floats ? 1 : static_cast<float>(setup.residual_scale.scale / setup.dst_scale.scale);
    k.residual_is_signed = setup.residual_scale.is_signed;
  }
  scratch_bytes_ = padded_rows_ * k.row_bytes + kWindowsBehind * k.window_step + kWordBytes * k.words;

  blocks_ = (k.outputs + kLanes - 1) / kLanes;
  const int shared_columns = a.stride_w == 1 && pixel_bytes % kWordBytes == 0 ? static_cast<int>(a.kernel_w) : 1;
  const DirectTile last = best_tile(1, shared_columns, k.dst_w),
                   tile = blocks_ == 1 ? last : best_tile(2, shared_columns, k.dst_w);
  last_tile_ = floats ? last.of_floats : last.of_bytes;
  tile_ = floats ? tile.of_floats : tile.of_bytes;
  tile_blocks_ = static_cast<size_t>(tile.blocks);
  pack(setup);
}

// The activation's ends and the bytes' own, in steps of the result.
void DirectConvolution::bound_results(const ConvolutionSetup& setup) {
  DirectKernelArguments& k = arguments_;
  k.least = -std::numeric_limits<float>::infinity();
  k.most = std::numeric_limits<float>::infinity();
  if (setup.relu) k.least = 0;
  if (setup.clip) {
    const ClipAttributes clip = clip_in_steps(setup);
    k.least = static_cast<float>(clip.low);
    k.most = static_cast<float>(clip.high);
  }
  if (setup.hard_swish) k.hard_swish = static_cast<float>(result_step(setup) / 6);
  if (k.dst_is_float) return;
  const float lowest = setup.dst_scale.is_signed ? -128.0F : 0.0F, highest = lowest + 255;
  k.least = std::clamp(k.least, lowest, highest);
  k.most = std::clamp(k.most, lowest, highest);
}

void DirectConvolution::pack(const ConvolutionSetup& setup) {
  const bool floats = reads_floats(setup);
  const auto channels = static_cast<size_t>(setup.src_shape[0]);
  const auto kernel_h = static_cast<size_t>(setup.attributes.kernel_h);
  const auto kernel_w = static_cast<size_t>(setup.attributes.kernel_w);
  const size_t per_word = floats ? 1 : kWordBytes, vector = kLanes * per_word;  // in elements
  const size_t row = arguments_.words * vector, block = kernel_h * row;
  weight_ = AlignedBuffer(blocks_ * block * element_bytes(floats));
  start_.resize(blocks_ * kLanes);
  factor_.resize(blocks_ * kLanes);
  bias_.resize(blocks_ * kLanes);
  const Int8Constants bytes = floats ? Int8Constants{} : int8_constants(setup);
  const double dst_step = arguments_.dst_is_float ? 1 : setup.dst_scale.scale;
  for (size_t o = 0; o < arguments_.outputs; ++o) {
    factor_[o] = floats ? static_cast<float>(1 / dst_step) : bytes.factor[o];
    bias_[o] = floats ? static_cast<float>(setup.bias[o] / dst_step) : bytes.bias[o];
    for (size_t c = 0; c < channels; ++c) {
      for (size_t y = 0; y < kernel_h; ++y) {
        for (size_t x = 0; x < kernel_w; ++x) {
          const size_t from = ((o * channels + c) * kernel_h + y) * kernel_w + x;
          const size_t at = x * channels + c;  // in the run of a window's row
          const size_t to =
              o / kLanes * block + y * row + at / per_word * vector + o % kLanes * per_word + at % per_word;
          if (floats) {
            weight_.as<float>()[to] = setup.weight[from];
            continue;
          }
          weight_.as<int8_t>()[to] = bytes.weight[from];
          if (flips_sign_) start_[o] -= 128 * bytes.weight[from];
        }
      }
    }
  }
  arguments_.weight = weight_.data();
  arguments_.start = start_.data();  // zero is zero as a float, too
  arguments_.factor = factor_.data();
  arguments_.bias = bias_.data();
}

void DirectConvolution::pad(const std::byte* src, std::byte* padded) const {
  const size_t row_bytes = arguments_.row_bytes, right_bytes = row_bytes - left_bytes_ - src_row_bytes_;
  const int zero = flips_sign_ ? 128 : 0;
  std::memset(padded, zero, top_ * row_bytes);
  std::byte* to = padded + top_ * row_bytes;
  for (size_t y = 0; y < src_rows_; ++y) {
    std::memset(to, zero, left_bytes_);
    if (flips_sign_) {
      for (size_t i = 0; i < src_row_bytes_; ++i) to[left_bytes_ + i] = src[i] ^ std::byte{0x80};
    } else {
      std::memcpy(to + left_bytes_, src, src_row_bytes_);
    }
    std::memset(to + left_bytes_ + src_row_bytes_, zero, right_bytes);
    src += src_row_bytes_;
    to += row_bytes;
  }
  std::memset(to, zero, (padded_rows_ - top_ - src_rows_) * row_bytes);
}

void DirectConvolution::run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch) const {
  DirectKernelArguments arguments = arguments_;
  arguments.src = scratch;
  for (int32_t image = 0; image < n; ++image) {
    pad(src, scratch);
    arguments.dst = dst;
    size_t block = 0;
    for (; block + tile_blocks_ <= blocks_; block += tile_blocks_) tile_(arguments, block);
    if (block < blocks_) last_tile_(arguments, block);
    src += src_rows_ * src_row_bytes_;
    dst += dst_image_bytes_;
  }
}

}  // namespace sooner::onednn
