// Compiled for AVX-512 with VNNI.
#include <immintrin.h>

#include <cstring>

#include "backend/onednn/direct_kernel.h"

namespace sooner::onednn {
namespace {

constexpr int kLanes = 16;
constexpr size_t kWordBytes = 4;
constexpr size_t kVectorBytes = kLanes * kWordBytes;

// Four unsigned bytes by four signed ones a lane, summed up in 32 bits.
struct OfBytes {
  using Sum = __m512i;
  static Sum load(const void* from) { return _mm512_loadu_si512(from); }
  static Sum add(Sum sum, __m512i words, __m512i weights) { return _mm512_dpbusd_epi32(sum, words, weights); }
  static __m512 number(Sum sum) { return _mm512_cvtepi32_ps(sum); }
};

struct OfFloats {
  using Sum = __m512;
  static Sum load(const void* from) { return _mm512_loadu_ps(from); }
  static Sum add(Sum sum, __m512i words, __m512i weights) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(words), _mm512_castsi512_ps(weights), sum);
  }
  static __m512 number(Sum sum) { return sum; }
};

// Results as they lie in dst, up to 16 at a time.
struct FloatResults {
  explicit FloatResults(const DirectKernelArguments& a)
      : least(_mm512_set1_ps(a.least)), most(_mm512_set1_ps(a.most)) {}
  static __m512 load(const float* from, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, from); }
  void store(float* to, __mmask16 lanes, __m512 value) const {
    _mm512_mask_storeu_ps(to, lanes, _mm512_min_ps(_mm512_max_ps(value, least), most));
  }
  __m512 least, most;
};

struct ByteResults {
  explicit ByteResults(const DirectKernelArguments& a)
      : least(_mm512_set1_ps(a.least)), most(_mm512_set1_ps(a.most)), before_is_signed(a.residual_is_signed) {}
  __m512 load(const uint8_t* from, __mmask16 lanes) const {
    const __m128i bytes = _mm_maskz_loadu_epi8(lanes, from);
    return _mm512_cvtepi32_ps(before_is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
  }
  void store(uint8_t* to, __mmask16 lanes, __m512 value) const {
    value = _mm512_min_ps(_mm512_max_ps(value, least), most);
    _mm_mask_storeu_epi8(to, lanes, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
  }
  __m512 least, most;
  bool before_is_signed;
};

FloatResults results_for(const DirectKernelArguments& a, const float* /*dst*/) { return FloatResults(a); }
ByteResults results_for(const DirectKernelArguments& a, const uint8_t* /*dst*/) { return ByteResults(a); }

__m512 hard_swish(__m512 x, float slope) {
  const __m512 share = _mm512_fmadd_ps(x, _mm512_set1_ps(slope), _mm512_set1_ps(0.5F));
  return _mm512_mul_ps(x, _mm512_min_ps(_mm512_max_ps(share, _mm512_setzero_ps()), _mm512_set1_ps(1)));
}

// Turns sums into results `first` to first + 16 * Blocks of `pixels` pixels.
template <typename Arithmetic, int Blocks, int Pixels, typename Element>
[[gnu::always_inline]] inline void store_tile(const DirectKernelArguments& a,
                                              const typename Arithmetic::Sum (&sums)[Pixels][Blocks], size_t first,
                                              Element* dst, size_t pixels) {
  const auto results = results_for(a, dst);
  const __m512 residual = _mm512_set1_ps(a.residual);
#pragma GCC unroll 2
  for (int b = 0; b < Blocks; ++b) {
    const size_t begin = first + static_cast<size_t>(b) * kLanes, left = a.outputs - begin;
    const auto lanes = static_cast<__mmask16>(left >= kLanes ? 0xffffU : (1U << left) - 1U);
    const __m512 factor = _mm512_loadu_ps(a.factor + begin), bias = _mm512_loadu_ps(a.bias + begin);
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) {
      if (static_cast<size_t>(p) >= pixels) break;
      Element* const to = dst + static_cast<size_t>(p) * a.outputs + static_cast<size_t>(b) * kLanes;
      __m512 value = _mm512_fmadd_ps(Arithmetic::number(sums[p][b]), factor, bias);
      if (a.residual != 0) value = _mm512_fmadd_ps(results.load(to, lanes), residual, value);
      if (a.hard_swish != 0) value = hard_swish(value, a.hard_swish);
      results.store(to, lanes, value);
    }
  }
}

// Sixteen outputs a vector: every word of a window is spread over a register and meets the weights of Blocks blocks.
// Columns columns of the windows are worked on together; with more than one, neighbouring windows overlap in whole
// words and share what is loaded.
template <typename Arithmetic, int Blocks, int Pixels, int Columns>
[[gnu::always_inline]] inline void compute_tile(const DirectKernelArguments& a, const std::byte* window, size_t block,
                                                size_t pixel, size_t pixels) {
  constexpr int kWindows = Pixels + Columns - 1, kGroups = (kWindows + 3) / 4;
  typename Arithmetic::Sum sums[Pixels][Blocks];
#pragma GCC unroll 2
  for (int b = 0; b < Blocks; ++b) {
    const auto start =
        Arithmetic::load(static_cast<const std::byte*>(a.start) + (block + static_cast<size_t>(b)) * kVectorBytes);
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) sums[p][b] = start;
  }
  const size_t block_bytes = a.kernel_h * a.words * kVectorBytes, column_words = a.words / Columns;
  const std::byte* weight = a.weight + block * block_bytes;
  const size_t step = a.window_step, steps[4] = {0, step, 2 * step, 3 * step};
  for (size_t ky = 0; ky < a.kernel_h; ++ky) {
    const std::byte* groups[kGroups];
#pragma GCC unroll 5
    for (int g = 0; g < kGroups; ++g) groups[g] = window + ky * a.row_bytes + static_cast<size_t>(4 * g) * step;
    for (size_t word = 0; word < column_words; ++word) {
      __m512i weights[Columns][Blocks];
#pragma GCC unroll 5
      for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 2
        for (int b = 0; b < Blocks; ++b) {
          weights[c][b] = _mm512_loadu_si512(weight + static_cast<size_t>(b) * block_bytes +
                                             static_cast<size_t>(c) * column_words * kVectorBytes);
        }
      }
      weight += kVectorBytes;
#pragma GCC unroll 20
      for (int w = 0; w < kWindows; ++w) {
        int32_t bits = 0;
        std::memcpy(&bits, groups[w / 4] + steps[w % 4] + kWordBytes * word, sizeof(bits));
        const __m512i spread = _mm512_set1_epi32(bits);
#pragma GCC unroll 5
        for (int c = 0; c < Columns; ++c) {
          if (w < c || w - c >= Pixels) continue;
#pragma GCC unroll 2
          for (int b = 0; b < Blocks; ++b) sums[w - c][b] = Arithmetic::add(sums[w - c][b], spread, weights[c][b]);
        }
      }
    }
    weight += (Columns - 1) * column_words * kVectorBytes;
  }
  const size_t first = block * kLanes, at = pixel * a.outputs + first;
  if (a.dst_is_float) {
    store_tile<Arithmetic, Blocks, Pixels>(a, sums, first, static_cast<float*>(a.dst) + at, pixels);
  } else {
    store_tile<Arithmetic, Blocks, Pixels>(a, sums, first, static_cast<uint8_t*>(a.dst) + at, pixels);
  }
}

template <typename Arithmetic, int Blocks, int Pixels, int Columns>
void compute_blocks(const DirectKernelArguments& a, size_t block) {
  for (size_t y = 0; y < a.dst_h; ++y) {
    const std::byte* const row = a.src + y * a.window_row_step;
    for (size_t x = 0; x < a.dst_w; x += Pixels) {
      compute_tile<Arithmetic, Blocks, Pixels, Columns>(a, row + x * a.window_step, block, y * a.dst_w + x,
                                                        a.dst_w - x);
    }
  }
}

template <int Blocks, int Pixels, int Columns>
constexpr DirectTile tile() {
  return {Blocks, Pixels, Columns, compute_blocks<OfBytes, Blocks, Pixels, Columns>,
          compute_blocks<OfFloats, Blocks, Pixels, Columns>};
}

}  // namespace

const DirectTile kDirectTiles[] = {
    tile<1, 4, 1>(),  tile<1, 6, 1>(),  tile<1, 8, 1>(),  tile<1, 10, 1>(), tile<1, 12, 1>(), tile<1, 14, 1>(),
    tile<1, 16, 1>(), tile<1, 8, 3>(),  tile<1, 12, 3>(), tile<1, 14, 3>(), tile<1, 16, 3>(), tile<1, 8, 5>(),
    tile<1, 10, 5>(), tile<1, 12, 5>(), tile<1, 14, 5>(), tile<1, 16, 5>(), tile<2, 4, 1>(),  tile<2, 6, 1>(),
    tile<2, 8, 1>(),  tile<2, 10, 1>(), tile<2, 6, 5>(),  tile<2, 8, 5>()};
const size_t kDirectTileCount = sizeof(kDirectTiles) / sizeof(DirectTile);

}  // namespace sooner::onednn
