// The arithmetic of DirectConvolution, one image at a time. As kernels.h: read by files compiled for special
// instruction sets, so no inline functions here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sooner::onednn {

// A word: what one lane multiplies at once, four bytes or one float.
struct DirectKernelArguments {
  // Whole windows, padding included: [(dst_h - 1) * stride_h + kernel_h][row_bytes]. Behind the last row as much again
  // may be read as 20 windows span.
  const std::byte* src = nullptr;
  size_t row_bytes = 0;
  size_t window_step = 0;      // bytes from one result's window to its right neighbour's
  size_t window_row_step = 0;  // to the one below
  // [blocks of 16 outputs][kernel_h][words][16] words. A window's row is kernel_w * C elements in a run, zero beyond
  // its end.
  const std::byte* weight = nullptr;
  size_t kernel_h = 0, words = 0;
  const void* start = nullptr;    // [blocks * 16], int32 or float: what sums begin with
  const float* factor = nullptr;  // [blocks * 16]: dst = round(sum * factor + bias + before * residual)
  const float* bias = nullptr;    // [blocks * 16]
  float residual = 0;             // 0: what lay in dst does not count
  void* dst = nullptr;            // [dst_h, dst_w, outputs], bytes or floats
  size_t dst_h = 0, dst_w = 0, outputs = 0;
  bool dst_is_float = false, residual_is_signed = false;
  float hard_swish = 0;       // not 0: results become result * min(max(result * hard_swish + 1/2, 0), 1)
  float least = 0, most = 0;  // then they end here
};

// Computes a tile's blocks of 16 outputs, from the one named.
using DirectKernel = void (*)(const DirectKernelArguments& arguments, size_t block);

// So many neighbouring results of so many blocks of outputs stay in registers.
struct DirectTile {
  int blocks = 1;
  int pixels = 1;
  // More than 1: for windows so many elements wide, one apart, of whole words. What neighbours share is loaded once.
  int columns = 1;
  DirectKernel of_bytes = nullptr;
  DirectKernel of_floats = nullptr;
};

// Those there are, for processors with AVX-512 and VNNI.
extern const DirectTile kDirectTiles[];
extern const size_t kDirectTileCount;

}  // namespace sooner::onednn
