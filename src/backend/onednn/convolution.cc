#include "backend/onednn/convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/rng.h"

namespace sooner::onednn {
namespace {

using dnnl::memory;

// Larger batches bring nothing on one thread: with more rows the working set only leaves the cache.
constexpr int32_t kLargestBucket = 16;
// Nor do they where a few rows fill any cache; and such rows are not worth trying out when the model is loaded.
constexpr double kLargestBucketBytes = 32e6;

memory::data_type byte_type(const MapScale& scale) {
  return scale.is_signed ? memory::data_type::s8 : memory::data_type::u8;
}

memory::data_type map_type(Precision precision, const MapScale& scale) {
  if (precision == Precision::kInt8) return byte_type(scale);
  return precision == Precision::kBF16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc map_desc(int32_t rows, const Shape& shape, memory::data_type type) {
  return {{rows, shape[0], shape[1], shape[2]}, type, memory::format_tag::nhwc};
}

memory::dims weight_dims(const ConvolutionSetup& setup) {
  const Conv2dAttributes& a = setup.attributes;
  const memory::dim inputs = setup.src_shape[0] / a.groups;
  if (a.groups > 1) return {a.groups, a.out_channels / a.groups, inputs, a.kernel_h, a.kernel_w};
  return {a.out_channels, inputs, a.kernel_h, a.kernel_w};
}

// In int8 the scales of source, weights and result are one factor per output channel, and the bias counts steps of the
// result; so oneDNN has one argument more and nothing else to do. What bends the result is told in its steps, too.
dnnl::convolution_forward::primitive_desc describe(const ConvolutionSetup& setup, int32_t rows) {
  const Conv2dAttributes& a = setup.attributes;
  const bool is_int8 = setup.precision == Precision::kInt8;
  const memory::desc weights(weight_dims(setup),
                             is_int8 ? memory::data_type::s8 : map_type(setup.precision, setup.src_scale),
                             memory::format_tag::any);
  const memory::desc bias({a.out_channels}, memory::data_type::f32, memory::format_tag::x);
  dnnl::post_ops post;
  if (setup.adds_to_dst && is_int8) {
    post.append_sum(static_cast<float>(setup.residual_scale.scale / setup.dst_scale.scale), 0,
                    byte_type(setup.residual_scale));
  } else if (setup.adds_to_dst) {
    post.append_sum();
  }
  if (setup.relu) post.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
  if (setup.clip) {
    const ClipAttributes clip = clip_in_steps(setup);
    post.append_eltwise(dnnl::algorithm::eltwise_clip, static_cast<float>(clip.low), static_cast<float>(clip.high));
  }
  // x * min(max(alpha * x + beta, 0), 1)
  if (setup.hard_swish) {
    post.append_eltwise(dnnl::algorithm::eltwise_hardswish, static_cast<float>(result_step(setup) / 6), 0.5F);
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post);
  if (is_int8) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, a.groups > 1 ? 3 : 1);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  return {cpu_engine(),
          dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_direct,
          map_desc(rows, setup.src_shape, map_type(setup.precision, setup.src_scale)),
          weights,
          bias,
          map_desc(rows, setup.dst_shape, map_type(setup.precision, setup.dst_scale)),
          {a.stride_h, a.stride_w},
          {a.dilation_h - 1, a.dilation_w - 1},
          {a.pad_top, a.pad_left},
          {a.pad_bottom, a.pad_right},
          attributes};
}

// The weights in the layout `wanted`, converted by oneDNN; `bytes` are those of int8.
memory reordered(const ConvolutionSetup& setup, std::span<const int8_t> bytes, const memory::desc& wanted) {
  const memory::dims dims = wanted.get_dims();
  const auto plain = dims.size() == 5 ? memory::format_tag::goihw : memory::format_tag::oihw;
  const bool is_int8 = setup.precision == Precision::kInt8;
  memory from({dims, is_int8 ? memory::data_type::s8 : memory::data_type::f32, plain}, cpu_engine());
  if (is_int8) {
    std::ranges::copy(bytes, static_cast<int8_t*>(from.get_data_handle()));
  } else {
    std::ranges::copy(setup.weight, static_cast<float*>(from.get_data_handle()));
  }
  memory to(wanted, cpu_engine());
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

memory float_list(const std::vector<float>& values) {
  memory list({{static_cast<memory::dim>(values.size())}, memory::data_type::f32, memory::format_tag::x}, cpu_engine());
  std::memcpy(list.get_data_handle(), values.data(), values.size() * sizeof(float));
  return list;
}

}  // namespace

struct Convolution::Bucket {
  int32_t rows = 1;
  dnnl::convolution_forward primitive;
  dnnl::convolution_forward::primitive_desc desc;
  size_t weights = 0;  // index into weights_
};

Convolution::Convolution(const ConvolutionSetup& setup) : name_(setup.name) {
  const Shape& dst_shape = setup.dst_shape;
  macs_ = static_cast<int64_t>(setup.weight.size()) * dst_shape[1] * dst_shape[2];
  if (DirectConvolution::takes(setup)) {
    direct_.emplace(setup);
    scratch_bytes_ = direct_->scratch_bytes();
    return;
  }
  const OneThread one_thread;
  guarded(name_, [&] {
    Int8Constants constants;
    if (setup.precision == Precision::kInt8) {
      constants = int8_constants(setup);
      scales_ = float_list(constants.factor);
      bias_ = float_list(constants.bias);
    } else {
      bias_ = float_list(setup.bias);
    }
    const auto row_bytes = static_cast<double>(sizeof(float)) *
                           static_cast<double>(element_count(setup.src_shape) + element_count(setup.dst_shape));
    int32_t largest = 1;
    while (largest < kLargestBucket && largest * 2 <= setup.batch_max &&
           2 * largest * row_bytes < kLargestBucketBytes) {
      largest *= 2;
    }
    for (int32_t rows = largest; rows >= 1; rows /= 2) add_bucket(setup, constants.weight, rows);
    const Bucket& one = buckets_.back();
    src_row_bytes_ = one.desc.src_desc().get_size();
    dst_row_bytes_ = one.desc.dst_desc().get_size();
    drop_buckets_that_change_bits(setup.adds_to_dst);
  });
}

Convolution::~Convolution() = default;

bool Convolution::has_fast_kernel(const ConvolutionSetup& setup) {
  if (DirectConvolution::takes(setup)) return true;
  const OneThread one_thread;
  return guarded(setup.name, [&] {
    return std::string_view(describe(setup, 1).impl_info_str()).find("ref") == std::string_view::npos;
  });
}

void Convolution::add_bucket(const ConvolutionSetup& setup, std::span<const int8_t> bytes, int32_t rows) {
  Bucket bucket;
  bucket.rows = rows;
  bucket.desc = describe(setup, rows);
  bucket.primitive = dnnl::convolution_forward(bucket.desc);
  const memory::desc wanted = bucket.desc.weights_desc();
  const auto same = std::find_if(weights_.begin(), weights_.end(),
                                 [&](const memory& weights) { return weights.get_desc() == wanted; });
  bucket.weights = static_cast<size_t>(same - weights_.begin());
  if (same == weights_.end()) weights_.push_back(reordered(setup, bytes, wanted));
  scratch_bytes_ = std::max(scratch_bytes_, bucket.desc.scratchpad_desc().get_size());
  buckets_.push_back(std::move(bucket));
}

void Convolution::drop_buckets_that_change_bits(bool adds_to_dst) {
  if (buckets_.size() == 1) return;
  const auto rows = static_cast<size_t>(buckets_.front().rows);
  const memory::data_type type = buckets_.back().desc.src_desc().get_data_type();
  const auto fill = [&](AlignedBuffer& buffer, Rng& rng) {
    if (type == memory::data_type::u8 || type == memory::data_type::s8) {
      for (std::byte& value : buffer.bytes()) value = static_cast<std::byte>(rng.below(256));
    } else if (type == memory::data_type::bf16) {
      for (size_t i = 0; i < buffer.size() / 2; ++i) {
        buffer.as<uint16_t>()[i] = to_bf16(static_cast<float>(rng.uniform(-1, 1)));
      }
    } else {
      for (size_t i = 0; i < buffer.size() / 4; ++i) buffer.as<float>()[i] = static_cast<float>(rng.uniform(-1, 1));
    }
  };
  Rng rng(0xb17U);
  AlignedBuffer src(rows * src_row_bytes_), before(rows * dst_row_bytes_), scratch(scratch_bytes_);
  fill(src, rng);
  if (adds_to_dst) fill(before, rng);
  dnnl::stream stream(cpu_engine());
  const auto results = [&](const Bucket& bucket) {
    AlignedBuffer dst(rows * dst_row_bytes_);
    std::memcpy(dst.data(), before.data(), dst.size());
    Arguments::OfBucket arguments = arguments_of(bucket);
    for (size_t first = 0; first < rows; first += static_cast<size_t>(bucket.rows)) {
      run_bucket(bucket, src.data() + first * src_row_bytes_, dst.data() + first * dst_row_bytes_, scratch.data(),
                 stream, arguments);
    }
    return dst;
  };
  const AlignedBuffer alone = results(buckets_.back());
  std::erase_if(buckets_, [&](const Bucket& bucket) {
    if (bucket.rows == 1) return false;
    const AlignedBuffer together = results(bucket);
    return std::memcmp(alone.data(), together.data(), alone.size()) != 0;
  });
}

Convolution::Arguments::OfBucket Convolution::arguments_of(const Bucket& bucket) const {
  Arguments::OfBucket own;
  own.src = memory(bucket.desc.src_desc(), cpu_engine(), nullptr);
  own.dst = memory(bucket.desc.dst_desc(), cpu_engine(), nullptr);
  own.scratch = memory(bucket.desc.scratchpad_desc(), cpu_engine(), nullptr);
  own.list = {{DNNL_ARG_SRC, own.src.get()},
              {DNNL_ARG_WEIGHTS, weights_[bucket.weights].get()},
              {DNNL_ARG_BIAS, bias_.get()},
              {DNNL_ARG_DST, own.dst.get()},
              {DNNL_ARG_SCRATCHPAD, own.scratch.get()}};
  if (scales_) own.list.push_back({DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, scales_.get()});
  return own;
}

std::unique_ptr<Convolution::Arguments> Convolution::make_arguments() const {
  auto arguments = std::make_unique<Arguments>();
  for (const Bucket& bucket : buckets_) arguments->buckets.push_back(arguments_of(bucket));
  return arguments;
}

void Convolution::run(int32_t n, const std::byte* src, std::byte* dst, std::byte* scratch, dnnl::stream& stream,
                      Arguments& arguments) const {
  if (direct_) return direct_->run(n, src, dst, scratch);
  const OneThread one_thread;
  size_t at = 0;
  while (n > 0) {
    while (buckets_[at].rows > n) ++at;
    const Bucket& bucket = buckets_[at];
    run_bucket(bucket, src, dst, scratch, stream, arguments.buckets[at]);
    src += src_row_bytes_ * static_cast<size_t>(bucket.rows);
    dst += dst_row_bytes_ * static_cast<size_t>(bucket.rows);
    n -= bucket.rows;
  }
}

void Convolution::run_bucket(const Bucket& bucket, const std::byte* src, std::byte* dst, std::byte* scratch,
                             dnnl::stream& stream, Arguments::OfBucket& own) const {
  // The C interface: the C++ one builds a map for every call.
  dnnl_memory_set_data_handle(own.src.get(), const_cast<std::byte*>(src));
  dnnl_memory_set_data_handle(own.dst.get(), dst);
  dnnl_memory_set_data_handle(own.scratch.get(), scratch);
  const dnnl_status_t status =
      dnnl_primitive_execute(bucket.primitive.get(), stream.get(), static_cast<int>(own.list.size()), own.list.data());
  if (status != dnnl_success) {
    fail(Code::kInternal, "[onednn] convolution '{}' failed at {} rows (status {})", name_, bucket.rows,
         static_cast<int>(status));
  }
}

std::vector<int32_t> Convolution::bucket_rows() const {
  if (direct_) return {1};
  std::vector<int32_t> rows;
  for (const Bucket& bucket : buckets_) rows.push_back(bucket.rows);
  return rows;
}

std::string Convolution::implementation() const {
  return direct_ ? "sooner:avx512_core_vnni" : buckets_.front().desc.impl_info_str();
}

}  // namespace sooner::onednn
