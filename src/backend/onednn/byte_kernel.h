// The arithmetic of ByteConvolution, one image at a time. As kernels.h: read by files compiled for special instruction
// sets, so no inline functions here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sooner::onednn {

struct ByteKernelArguments {
  // Whole windows, padding included: [(dst_h - 1) * stride_h + kernel_h][row_bytes]; behind the last row as much again
  // may be read as 16 windows span.
  const uint8_t* src = nullptr;
  size_t row_bytes = 0;
  size_t window_step = 0;      // bytes from one result's window to its right neighbour's: C * stride_w
  size_t window_row_step = 0;  // to the one below: row_bytes * stride_h
  // [blocks of 16 outputs][kernel_h][quads][16][4]: a window's row is kernel_w * C bytes in a run, four at a time, zero
  // beyond its end.
  const int8_t* weight = nullptr;
  size_t kernel_h = 0, quads = 0;
  const int32_t* start = nullptr;  // [blocks * 16]: what sums begin with
  const float* factor = nullptr;   // [blocks * 16]: dst = round(sum * factor + bias + before * residual)
  const float* bias = nullptr;     // [blocks * 16]
  float residual = 0;              // 0: what lay in dst does not count
  void* dst = nullptr;             // [dst_h, dst_w, outputs]
  size_t dst_h = 0, dst_w = 0, outputs = 0;
  bool residual_is_signed = false, dst_is_signed = false, relu = false;
};

// Computes `blocks` blocks of outputs, from the one named, for `pixels` neighbouring results at a time.
using ByteKernel = void (*)(const ByteKernelArguments& arguments, size_t block);

struct ByteTile {
  int blocks = 1;
  int pixels = 1;
  // Windows three elements wide, one apart, with a multiple of four channels: what they share is loaded once.
  bool shares_columns = false;
  ByteKernel run = nullptr;
};

// Those there are, for processors with AVX-512 and VNNI.
extern const ByteTile kByteTiles[];
extern const size_t kByteTileCount;

}  // namespace sooner::onednn
