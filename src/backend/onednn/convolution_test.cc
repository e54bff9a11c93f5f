// Convolutions against the reference: odd and tiny extents, strides, dilation, groups, uneven padding; and every number
// of rows against one row alone.
#include "backend/onednn/convolution.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/ref/kernels.h"
#include "core/aligned_buffer.h"
#include "core/rng.h"
#include "graph/graph_builder.h"
#include "graph/shape_inference.h"

namespace sooner::onednn {
namespace {

struct Layer {
  std::string name;
  Shape src;
  Conv2dAttributes attributes;
};

Conv2dAttributes with(Conv2dAttributes a, int64_t dilation, int64_t groups) {
  a.dilation_h = a.dilation_w = dilation;
  a.groups = groups;
  return a;
}

std::vector<Layer> layers() {
  std::vector<Layer> result{
      {"one_channel", {1, 12, 9}, conv(5, 5, 1, 3)},
      {"three_channels", {3, 8, 8}, conv(16, 3, 1, 1)},
      {"odd_channels", {5, 7, 6}, conv(10, 5, 1, 3)},
      {"pointwise", {17, 5, 5}, conv(33, 1)},
      {"pointwise_strided", {16, 8, 8}, conv(32, 1, 2)},
      {"strided", {16, 9, 9}, conv(32, 3, 2, 1)},
      {"dilated", {8, 9, 9}, with(conv(8, 3, 1, 2), 2, 1)},
      {"grouped", {8, 5, 5}, with(conv(12, 3, 1, 1), 1, 4)},
      {"depthwise", {6, 5, 5}, with(conv(6, 3, 1, 1), 1, 6)},
      {"one_pixel", {4, 1, 1}, conv(3, 3, 1, 1)},
      {"whole_map", {4, 4, 4}, conv(3, 4)},
  };
  Conv2dAttributes uneven = conv(7, 3, 2);
  uneven.pad_bottom = uneven.pad_right = 1;
  uneven.kernel_w = 2;
  result.push_back({"uneven", {6, 8, 7}, uneven});
  return result;
}

struct Setting {
  Layer layer;
  Precision precision;
  bool residual;
  std::string activation;
};

std::vector<Setting> settings() {
  std::vector<Setting> result;
  for (const Layer& layer : layers()) {
    for (const Precision precision : {Precision::kF32, Precision::kBF16}) {
      if (precision == Precision::kBF16 && !has_isa(dnnl::cpu_isa::avx512_core_bf16)) continue;
      for (const char* activation : {"", "clip", "hard_swish"}) result.push_back({layer, precision, false, activation});
      // Residuals are never added by grouped convolutions (stage_plan.cc).
      if (layer.attributes.groups > 1) continue;
      for (const char* activation : {"relu", "clip", "hard_swish"}) {
        result.push_back({layer, precision, true, activation});
      }
    }
  }
  return result;
}

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.layer.name; }

class EveryConvolution : public testing::TestWithParam<Setting> {
 protected:
  static constexpr size_t kRows = 19;

  void SetUp() override {
    setup_.name = "conv";
    setup_.attributes = GetParam().layer.attributes;
    setup_.src_shape = GetParam().layer.src;
    setup_.dst_shape = infer_shape({OpKind::kConv2d, "conv", {0}, setup_.attributes}, {setup_.src_shape});
    setup_.precision = GetParam().precision;
    setup_.adds_to_dst = GetParam().residual;
    setup_.relu = GetParam().activation == "relu";
    setup_.hard_swish = GetParam().activation == "hard_swish";
    if (GetParam().activation == "clip") setup_.clip = ClipAttributes{-0.25, 0.75};
    setup_.batch_max = 16;
    src_size_ = static_cast<size_t>(element_count(setup_.src_shape));
    dst_size_ = static_cast<size_t>(element_count(setup_.dst_shape));
    const Conv2dAttributes& a = setup_.attributes;
    setup_.weight =
        numbers(static_cast<size_t>(a.out_channels * setup_.src_shape[0] / a.groups * a.kernel_h * a.kernel_w), 1);
    setup_.bias = numbers(static_cast<size_t>(a.out_channels), 2);
    for (float& bias : setup_.bias) bias += 0.5F;
    src_ = numbers(kRows * src_size_, 3);
    before_ = numbers(kRows * dst_size_, 4);
  }

  // Representable in both precisions.
  static std::vector<float> numbers(size_t size, uint64_t seed) {
    Rng rng(seed);
    std::vector<float> values(size);
    for (float& value : values) value = from_bf16(to_bf16(static_cast<float>(rng.uniform(-1, 1))));
    return values;
  }

  [[nodiscard]] size_t element() const { return setup_.precision == Precision::kBF16 ? 2 : 4; }

  // Rows of channels-last values from rows of planes.
  [[nodiscard]] AlignedBuffer packed(const std::vector<float>& planes, const Shape& shape) const {
    AlignedBuffer buffer(planes.size() * element());
    for (size_t i = 0; i < planes.size(); ++i) put(buffer, channels_last_index(i, shape), planes[i]);
    return buffer;
  }
  static size_t channels_last_index(size_t i, const Shape& shape) {
    const auto channels = static_cast<size_t>(shape[0]), pixels = static_cast<size_t>(shape[1] * shape[2]);
    const size_t row = i / (channels * pixels), c = i / pixels % channels, p = i % pixels;
    return (row * pixels + p) * channels + c;
  }
  void put(AlignedBuffer& buffer, size_t at, float value) const {
    if (element() == 2) {
      buffer.as<uint16_t>()[at] = to_bf16(value);
    } else {
      buffer.as<float>()[at] = value;
    }
  }
  [[nodiscard]] float get(const AlignedBuffer& buffer, size_t at) const {
    return element() == 2 ? from_bf16(buffer.as<uint16_t>()[at]) : buffer.as<float>()[at];
  }

  // The first n rows, computed together, after `skip` rows.
  AlignedBuffer run(const Convolution& convolution, size_t skip, size_t n) const {
    const AlignedBuffer src = packed(src_, setup_.src_shape), before = packed(before_, setup_.dst_shape);
    AlignedBuffer dst(n * dst_size_ * element()), scratch(convolution.scratch_bytes());
    std::memcpy(dst.data(), before.data() + skip * dst_size_ * element(), dst.size());
    dnnl::stream stream(cpu_engine());
    const auto arguments = convolution.make_arguments();
    const OneThread one_thread;
    convolution.run(static_cast<int32_t>(n), src.data() + skip * src_size_ * element(), dst.data(), scratch.data(),
                    stream, *arguments);
    return dst;
  }

  ConvolutionSetup setup_;
  size_t src_size_ = 0, dst_size_ = 0;
  std::vector<float> src_, before_;  // planes
};

TEST_P(EveryConvolution, MatchesTheReference) {
  const Convolution convolution(setup_);
  const AlignedBuffer got = run(convolution, 0, 3);
  const double unit_store = setup_.precision == Precision::kBF16 ? 0x1p-8 : 0x1p-24;
  std::vector<float> absolute_weight = setup_.weight, absolute_bias = setup_.bias;
  for (float& value : absolute_weight) value = std::abs(value);
  for (float& value : absolute_bias) value = std::abs(value);
  const double products = static_cast<double>(setup_.weight.size()) / static_cast<double>(setup_.bias.size());
  std::vector<float> want(dst_size_), magnitude(dst_size_);
  for (size_t row = 0; row < 3; ++row) {
    std::vector<float> src(&src_[row * src_size_], &src_[row * src_size_] + src_size_);
    ref::conv2d(setup_.attributes, setup_.src_shape, src, setup_.weight, setup_.bias, setup_.dst_shape, want);
    for (float& value : src) value = std::abs(value);
    ref::conv2d(setup_.attributes, setup_.src_shape, src, absolute_weight, absolute_bias, setup_.dst_shape, magnitude);
    for (size_t i = 0; i < dst_size_; ++i) {
      double expected = want[i], size = magnitude[i];
      if (setup_.adds_to_dst) {
        expected += before_[row * dst_size_ + i];
        size += std::abs(before_[row * dst_size_ + i]);
      }
      if (setup_.relu) expected = std::max(0.0, expected);
      if (setup_.clip) expected = std::clamp(expected, setup_.clip->low, setup_.clip->high);
      if (setup_.hard_swish) {
        // Its slope is at most 1.5, and it rounds something itself.
        size *= 2;
        expected *= std::clamp(expected / 6 + 0.5, 0.0, 1.0);
      }
      // k * eps * sum |a||b|, and one rounding when the result is stored.
      const double bound = (products + 3) * 0x1p-24 * size + unit_store * std::abs(expected) * 1.01;
      EXPECT_NEAR(get(got, row * dst_size_ + channels_last_index(i, setup_.dst_shape)), expected, bound)
          << "row " << row << ", element " << i << ", " << convolution.implementation();
    }
  }
}

TEST_P(EveryConvolution, EveryNumberOfRowsGivesTheBitsOfOneRowAlone) {
  const Convolution convolution(setup_);
  EXPECT_EQ(convolution.bucket_rows().back(), 1);
  std::vector<std::byte> alone;
  for (size_t row = 0; row < kRows; ++row) {
    const AlignedBuffer one = run(convolution, row, 1);
    alone.insert(alone.end(), one.bytes().begin(), one.bytes().end());
  }
  for (size_t n = 2; n <= kRows; ++n) {
    for (const size_t skip : {size_t{0}, kRows - n}) {
      const AlignedBuffer together = run(convolution, skip, n);
      EXPECT_EQ(std::memcmp(together.data(), &alone[skip * dst_size_ * element()], together.size()), 0)
          << n << " rows after " << skip << ", " << convolution.implementation();
    }
  }
}

// Where oneDNN had to fall back to its plain loops, a step of its own would be faster.
TEST_P(EveryConvolution, KeepsAFastKernelWhateverItEndsWith) {
  ConvolutionSetup plain = setup_;
  plain.relu = plain.hard_swish = false;
  plain.clip.reset();
  EXPECT_EQ(Convolution::has_fast_kernel(setup_), Convolution::has_fast_kernel(plain))
      << Convolution(setup_).implementation() << ", " << Convolution(plain).implementation();
}

TEST_P(EveryConvolution, CountsItsOwnMultiplications) {
  const Convolution convolution(setup_);
  const auto per_output = static_cast<int64_t>(setup_.weight.size() / setup_.bias.size());
  EXPECT_EQ(convolution.macs(), static_cast<int64_t>(dst_size_) * per_output);
}

INSTANTIATE_TEST_SUITE_P(Layers, EveryConvolution, testing::ValuesIn(settings()), [](const auto& instance) {
  return instance.param.layer.name + "_" + std::string(to_string(instance.param.precision)) +
         (instance.param.residual ? "_residual" : "") +
         (instance.param.activation.empty() ? "" : "_" + instance.param.activation);
});

TEST(Convolution, BucketsArePowersOfTwoUpToTheBatch) {
  ConvolutionSetup setup;
  setup.name = "conv";
  setup.attributes = conv(4, 1);
  setup.src_shape = {16, 2, 2};  // oneDNN's own
  setup.dst_shape = {4, 2, 2};
  setup.weight.resize(64);
  setup.bias.resize(4);
  setup.batch_max = 7;
  EXPECT_THAT(Convolution(setup).bucket_rows(), testing::ElementsAre(4, 2, 1));
  setup.batch_max = 1;
  EXPECT_THAT(Convolution(setup).bucket_rows(), testing::ElementsAre(1));
}

}  // namespace
}  // namespace sooner::onednn
