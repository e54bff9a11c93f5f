// Compiled for AVX-512 with VNNI.
#include <immintrin.h>

#include <cstring>

#include "backend/onednn/byte_kernel.h"

namespace sooner::onednn {
namespace {

constexpr int kLanes = 16;

// Sixteen outputs a vector, four products a lane: every four bytes of a window are spread over a register and meet the
// weights of kBlocks blocks. kColumns columns of the windows are worked on together; with more than one, neighbouring
// windows overlap in whole elements and share what is loaded.
template <int kBlocks, int kPixels, int kColumns>
[[gnu::always_inline]] inline void compute_tile(const ByteKernelArguments& a, const uint8_t* window, size_t block,
                                                uint8_t* dst, size_t pixels) {
  constexpr int kWindows = kPixels + kColumns - 1, kGroups = (kWindows + 3) / 4;
  __m512i sums[kPixels][kBlocks];
#pragma GCC unroll 2
  for (int b = 0; b < kBlocks; ++b) {
    const __m512i start = _mm512_loadu_si512(a.start + (block + static_cast<size_t>(b)) * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) sums[p][b] = start;
  }
  const size_t block_bytes = a.kernel_h * a.quads * 64, column_quads = a.quads / kColumns;
  const int8_t* weight = a.weight + block * block_bytes;
  const size_t step = a.window_step, steps[4] = {0, step, 2 * step, 3 * step};
  for (size_t ky = 0; ky < a.kernel_h; ++ky) {
    const uint8_t* groups[kGroups];
#pragma GCC unroll 5
    for (int g = 0; g < kGroups; ++g) groups[g] = window + ky * a.row_bytes + static_cast<size_t>(4 * g) * step;
    for (size_t quad = 0; quad < column_quads; ++quad) {
      __m512i weights[kColumns][kBlocks];
#pragma GCC unroll 3
      for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 2
        for (int b = 0; b < kBlocks; ++b) {
          weights[c][b] = _mm512_loadu_si512(weight + static_cast<size_t>(b) * block_bytes +
                                             static_cast<size_t>(c) * column_quads * 64);
        }
      }
      weight += 64;
#pragma GCC unroll 18
      for (int w = 0; w < kWindows; ++w) {
        int32_t four = 0;
        std::memcpy(&four, groups[w / 4] + steps[w % 4] + 4 * quad, sizeof(four));
        const __m512i spread = _mm512_set1_epi32(four);
#pragma GCC unroll 3
        for (int c = 0; c < kColumns; ++c) {
          if (w < c || w - c >= kPixels) continue;
#pragma GCC unroll 2
          for (int b = 0; b < kBlocks; ++b) {
            sums[w - c][b] = _mm512_dpbusd_epi32(sums[w - c][b], spread, weights[c][b]);
          }
        }
      }
    }
    weight += (kColumns - 1) * column_quads * 64;
  }
  const __m512 least = _mm512_set1_ps(a.dst_is_signed && !a.relu ? -128.0F : 0.0F);
  const __m512 most = _mm512_set1_ps(a.dst_is_signed ? 127.0F : 255.0F);
  const __m512 residual = _mm512_set1_ps(a.residual);
#pragma GCC unroll 2
  for (int b = 0; b < kBlocks; ++b) {
    const size_t first = (block + static_cast<size_t>(b)) * kLanes, left = a.outputs - first;
    const auto lanes = static_cast<__mmask16>(left >= kLanes ? 0xffffU : (1U << left) - 1U);
    const __m512 factor = _mm512_loadu_ps(a.factor + first), bias = _mm512_loadu_ps(a.bias + first);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
      if (static_cast<size_t>(p) >= pixels) break;
      uint8_t* const to = dst + static_cast<size_t>(p) * a.outputs + first;
      __m512 value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[p][b]), factor, bias);
      if (a.residual != 0) {
        const __m128i bytes = _mm_maskz_loadu_epi8(lanes, to);
        const __m512i before = a.residual_is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
        value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(before), residual, value);
      }
      value = _mm512_min_ps(_mm512_max_ps(value, least), most);
      _mm_mask_storeu_epi8(to, lanes, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
    }
  }
}

template <int kBlocks, int kPixels, int kColumns>
void compute_blocks(const ByteKernelArguments& a, size_t block) {
  for (size_t y = 0; y < a.dst_h; ++y) {
    const uint8_t* const row = a.src + y * a.window_row_step;
    uint8_t* const dst = static_cast<uint8_t*>(a.dst) + y * a.dst_w * a.outputs;
    for (size_t x = 0; x < a.dst_w; x += kPixels) {
      compute_tile<kBlocks, kPixels, kColumns>(a, row + x * a.window_step, block, dst + x * a.outputs, a.dst_w - x);
    }
  }
}

template <int kBlocks, int kPixels, int kColumns>
constexpr ByteTile tile() {
  return {kBlocks, kPixels, kColumns > 1, compute_blocks<kBlocks, kPixels, kColumns>};
}

}  // namespace

const ByteTile kByteTiles[] = {tile<1, 4, 1>(),  tile<1, 6, 1>(),  tile<1, 8, 1>(), tile<1, 10, 1>(), tile<1, 12, 1>(),
                               tile<1, 14, 1>(), tile<1, 16, 1>(), tile<1, 8, 3>(), tile<1, 12, 3>(), tile<1, 14, 3>(),
                               tile<1, 16, 3>(), tile<2, 4, 1>(),  tile<2, 6, 1>(), tile<2, 8, 1>(),  tile<2, 10, 1>()};
const size_t kByteTileCount = sizeof(kByteTiles) / sizeof(ByteTile);

}  // namespace sooner::onednn
