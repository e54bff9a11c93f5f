// The layers oneDNN is not asked for: pooling, linear layers, means and element-wise work on small maps, where a call
// into the library costs more than the arithmetic, or where its answer would depend on the batch.
//
// Every kernel works row by row in an order that depends on nothing but the row's own extents, so a sample's bits are
// the same in any batch. Finite input is assumed; nothing is allocated; nothing is checked.
//
// Layouts: a map is channels last, dense, [n, H, W, C]; a vector is [n, F] in fp32. Elements are fp32, bf16 (bits in
// uint16_t) or bytes with a ByteCode; sums are kept in fp32. This header is read by files compiled for special
// instruction sets: it may hold no inline functions and include nothing that does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sooner::onednn {

// What a byte q of a map stands for: the number q * step. Bytes run from 0 to 255, or -128 to 127 in two's complement.
// Storing rounds to the nearest (ties to even) and ends at the ends of the range. Other elements take no notice.
struct ByteCode {
  float step = 1;
  bool is_signed = false;
};

// dst[n, o] = bias[o] + sum_i src[n, i] * weight[i, o], inputs summed as two interleaved runs (even and odd i).
struct LinearArguments {
  const void* src = nullptr;      // [n, inputs]
  const float* weight = nullptr;  // [blocks of 16 outputs][inputs][16], zero beyond the last output
  const float* bias = nullptr;    // [blocks * 16]
  float* dst = nullptr;           // [n, outputs]
  size_t n = 0, inputs = 0, outputs = 0;
  bool relu = false;
  ByteCode src_code = {};
};

// alpha * max + (1 - alpha) * average over the real elements of each window (all asked-for padding counts with
// count_include_pad), then ReLU if wanted.
struct PoolArguments {
  const void* src = nullptr;  // [n, src_h, src_w, channels]
  void* dst = nullptr;        // [n, dst_h, dst_w, channels]
  size_t n = 0;
  int64_t channels = 0, src_h = 0, src_w = 0, dst_h = 0, dst_w = 0;
  int64_t kernel_h = 0, kernel_w = 0, stride_h = 0, stride_w = 0, pad_h = 0, pad_w = 0;
  float alpha = 1;
  bool count_include_pad = false;
  bool relu = false;
  ByteCode src_code = {}, dst_code = {};
};

struct ElementwiseArguments {
  const void* a = nullptr;       // [count]
  const void* b = nullptr;       // [count], for add; for mul also [n, channels] (see pixels)
  const float* scale = nullptr;  // [channels], for scale_shift
  const float* shift = nullptr;  // [channels]
  void* dst = nullptr;           // [count]; may be a or b
  size_t count = 0, channels = 0;
  bool relu = false;
  ByteCode a_code = {}, b_code = {}, dst_code = {};
  float low = 0, high = 0;    // for clip
  float slope = 0;            // for leaky_relu
  float alpha = 0, beta = 0;  // for hard_sigmoid
  bool tanh = false;          // for gelu: the approximation
  size_t pixels = 0;  // for mul: a is [n, pixels, channels], b has a factor for each channel; 0: b is as large as a
};

// n maps of `pixels` pixels with `channels` channels.
struct MapArguments {
  const void* src = nullptr;
  void* dst = nullptr;
  size_t n = 0, pixels = 0, channels = 0;
  ByteCode src_code = {}, dst_code = {};
};

// Of `count` pixels (or vectors), `channels` numbers from `src_offset`, or those that `order` names, go to
// `dst_offset`.
struct ChannelArguments {
  const void* src = nullptr;  // [count, src_channels]
  void* dst = nullptr;        // [count, dst_channels]
  size_t count = 0, channels = 0, src_channels = 0, src_offset = 0, dst_channels = 0, dst_offset = 0;
  const uint32_t* order = nullptr;  // [channels], in place of src_offset, src_offset + 1, …
  ByteCode src_code = {}, dst_code = {};
};

// x_c / (bias + scale * sum x_j^2)^beta over the channels j from c - before to c + after.
struct ResponseNormArguments {
  const void* src = nullptr;  // [count, channels]
  void* dst = nullptr;        // [count, channels]
  size_t count = 0, channels = 0, before = 0, after = 0;
  float bias = 1, scale = 0, beta = 0;
  ByteCode src_code = {}, dst_code = {};
};

// A map with rows and columns of zeros around it.
struct PadArguments {
  const void* src = nullptr;  // [n, src_h, src_w, channels]
  void* dst = nullptr;        // [n, dst_h, dst_w, channels]
  size_t n = 0, channels = 0, src_h = 0, src_w = 0, dst_h = 0, dst_w = 0, top = 0, left = 0;
  ByteCode src_code = {}, dst_code = {};
};

struct ElementKernels {
  void (*linear)(const LinearArguments&);
  void (*pool)(const PoolArguments&);
  void (*relu)(const ElementwiseArguments&);
  void (*add)(const ElementwiseArguments&);          // a + b, then ReLU if wanted
  void (*scale_shift)(const ElementwiseArguments&);  // a * scale + shift per channel, then ReLU if wanted
  void (*mean)(const MapArguments&);                 // -> fp32 [n, channels]
  void (*move_channels)(const ChannelArguments&);
  void (*clip)(const ElementwiseArguments&);        // to low … high
  void (*hard_swish)(const ElementwiseArguments&);  // x * min(max(x + 3, 0), 6) / 6
  void (*leaky_relu)(const ElementwiseArguments&);  // slope * x below zero
  void (*sigmoid)(const ElementwiseArguments&);
  void (*hard_sigmoid)(const ElementwiseArguments&);  // min(max(alpha * x + beta, 0), 1)
  void (*gelu)(const ElementwiseArguments&);
  void (*mul)(const ElementwiseArguments&);  // a * b
  void (*pad)(const PadArguments&);
  void (*response_norm)(const ResponseNormArguments&);
  // Layout changes; with one channel they are none, and so change the element alone.
  void (*from_planes)(const MapArguments&);  // fp32 [n, C, H, W] -> map
  void (*to_planes)(const MapArguments&);    // map -> fp32 [n, C * H * W]
};

struct KernelTable {
  ElementKernels f32;
  ElementKernels bf16;
  ElementKernels int8;
};

// Compiled for the named instruction set; calling a kernel on a processor without it is undefined.
extern const KernelTable kPortableKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;

// The widest table allowed by the processor and by oneDNN's own limit (ONEDNN_MAX_CPU_ISA).
const KernelTable& kernel_table();

}  // namespace sooner::onednn
