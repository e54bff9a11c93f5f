// int8 convolutions against whole-number arithmetic, one result by hand, and every number of rows against one row
// alone.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/onednn/convolution.h"
#include "core/aligned_buffer.h"
#include "core/rng.h"
#include "graph/graph_builder.h"
#include "graph/shape_inference.h"

namespace sooner::onednn {
namespace {

bool has_vnni() { return has_isa(dnnl::cpu_isa::avx512_core_vnni) || has_isa(dnnl::cpu_isa::avx2_vnni); }

AlignedBuffer run(const Convolution& convolution, std::span<const std::byte> src, std::span<const std::byte> before,
                  size_t n) {
  AlignedBuffer own_src(src.size()), dst(before.size()), scratch(convolution.scratch_bytes());
  std::memcpy(own_src.data(), src.data(), src.size());
  std::memcpy(dst.data(), before.data(), before.size());
  dnnl::stream stream(cpu_engine());
  const auto arguments = convolution.make_arguments();
  const OneThread one_thread;
  convolution.run(static_cast<int32_t>(n), own_src.data(), dst.data(), scratch.data(), stream, *arguments);
  return dst;
}

// Two channels of one pixel: 10 and 200 steps of 0.5, that is 5 and 100.
TEST(Int8Convolution, OfOnePixelIsWorkedByHand) {
  ConvolutionSetup setup;
  setup.name = "conv";
  setup.precision = Precision::kInt8;
  setup.attributes = conv(1, 1);
  setup.src_shape = {2, 1, 1};
  setup.dst_shape = {1, 1, 1};
  setup.weight = {0.126F, -0.042F};
  setup.bias = {5};
  setup.src_scale = {0.5, false};
  setup.dst_scale = {0.01, false};
  const std::vector<std::byte> src{std::byte{10}, std::byte{200}}, room(1);
  // With weights to 127: 127 and -42 steps of 0.126 / 127; 10 * 127 - 200 * 42 = -7130 steps of 0.000496 are -3.537.
  // With weights to 63: 63 and -21 steps of 0.002; -3570 steps of 0.001 are -3.57.
  const AlignedBuffer got = run(Convolution(setup), src, room, 1);
  EXPECT_EQ(static_cast<int>(got.data()[0]), has_vnni() ? 146 : 143);
}

struct Layer {
  std::string name;
  Shape src;
  Conv2dAttributes attributes;
};

Conv2dAttributes grouped(Conv2dAttributes a, int64_t groups) {
  a.groups = groups;
  return a;
}

std::vector<Layer> layers() {
  Conv2dAttributes uneven = conv(7, 3, 2);
  uneven.pad_bottom = uneven.pad_right = 1;
  uneven.kernel_w = 2;
  Conv2dAttributes dilated = conv(8, 3, 1, 2);
  dilated.dilation_h = dilated.dilation_w = 2;
  return {{"one_channel", {1, 12, 9}, conv(5, 5, 1, 3)},
          {"lenet", {5, 15, 15}, conv(10, 5, 1, 3)},
          {"resnet", {16, 9, 9}, conv(16, 3, 1, 1)},
          {"resnet_strided", {16, 8, 8}, conv(32, 3, 2, 1)},
          {"pointwise", {17, 5, 5}, conv(33, 1)},
          {"pointwise_strided", {16, 8, 8}, conv(32, 1, 2)},
          {"dilated", {8, 9, 9}, dilated},
          {"grouped", {8, 5, 5}, grouped(conv(12, 3, 1, 1), 4)},
          {"depthwise", {6, 5, 5}, grouped(conv(6, 3, 1, 1), 6)},
          {"one_pixel", {4, 1, 1}, conv(3, 3, 1, 1)},
          {"uneven", {6, 8, 7}, uneven},
          // Rows of 6 to 33 results, one to four blocks of 16 outputs: every tile of our own kernel has its row.
          {"row_of_6", {4, 3, 6}, conv(8, 3, 1, 1)},
          {"row_of_7", {3, 4, 7}, conv(64, 3, 1, 1)},
          {"row_of_10", {4, 2, 10}, conv(32, 3, 1, 1)},
          {"row_of_12", {8, 3, 12}, conv(20, 3, 1, 1)},
          {"row_of_12_from_7_channels", {7, 3, 12}, conv(20, 3, 1, 1)},
          {"row_of_14", {8, 3, 14}, conv(16, 3, 1, 1)},
          {"row_of_14_from_5_channels", {5, 5, 14}, conv(10, 5, 1, 2)},
          {"row_of_16_to_3_blocks", {4, 3, 32}, conv(48, 3, 2, 1)},
          {"row_of_33", {4, 2, 33}, conv(12, 3, 1, 1)}};
}

struct Setting {
  Layer layer;
  bool src_is_signed, dst_is_signed, residual;
  std::string activation;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.layer.name; }

std::vector<Setting> settings() {
  std::vector<Setting> result;
  for (const Layer& layer : layers()) {
    for (const bool src_is_signed : {false, true}) {
      for (const bool dst_is_signed : {false, true}) {
        for (const char* activation : {"", "clip", "hard_swish"}) {
          result.push_back({layer, src_is_signed, dst_is_signed, false, activation});
        }
        if (layer.attributes.groups > 1) continue;
        for (const char* activation : {"relu", "clip", "hard_swish"}) {
          result.push_back({layer, src_is_signed, dst_is_signed, true, activation});
        }
      }
    }
  }
  return result;
}

class EveryInt8Convolution : public testing::TestWithParam<Setting> {
 protected:
  static constexpr size_t kRows = 19;

  void SetUp() override {
    setup_.name = "conv";
    setup_.precision = Precision::kInt8;
    setup_.attributes = GetParam().layer.attributes;
    setup_.src_shape = GetParam().layer.src;
    setup_.dst_shape = infer_shape({OpKind::kConv2d, "conv", {0}, setup_.attributes}, {setup_.src_shape});
    setup_.adds_to_dst = GetParam().residual;
    setup_.relu = GetParam().activation == "relu";
    setup_.hard_swish = GetParam().activation == "hard_swish";
    setup_.batch_max = 16;
    const Conv2dAttributes& a = setup_.attributes;
    Rng rng(7);
    setup_.weight.resize(
        static_cast<size_t>(a.out_channels * setup_.src_shape[0] / a.groups * a.kernel_h * a.kernel_w));
    for (float& value : setup_.weight) value = static_cast<float>(rng.normal());
    setup_.bias.resize(static_cast<size_t>(a.out_channels));
    for (float& value : setup_.bias) value = static_cast<float>(rng.normal());
    setup_.src_scale = {0.01, GetParam().src_is_signed};
    setup_.residual_scale = {0.02, !GetParam().dst_is_signed};
    // About as wide as the results are.
    const double products = static_cast<double>(setup_.weight.size()) / static_cast<double>(setup_.bias.size());
    setup_.dst_scale = {0.02 * std::sqrt(products), GetParam().dst_is_signed};
    // Within the bytes' range above, and mostly so below.
    if (GetParam().activation == "clip") setup_.clip = ClipAttributes{-20 * setup_.dst_scale.scale, 1.5};
    src_size_ = static_cast<size_t>(element_count(setup_.src_shape));
    dst_size_ = static_cast<size_t>(element_count(setup_.dst_shape));
    src_.resize(kRows * src_size_);
    before_.resize(kRows * dst_size_);
    for (std::byte& byte : src_) byte = static_cast<std::byte>(rng.below(256));
    for (std::byte& byte : before_) byte = static_cast<std::byte>(rng.below(256));
  }

  static int number(std::byte byte, bool is_signed) {
    const auto value = static_cast<int>(byte);
    return is_signed && value > 127 ? value - 256 : value;
  }

  ConvolutionSetup setup_;
  size_t src_size_ = 0, dst_size_ = 0;
  std::vector<std::byte> src_, before_;  // channels last
};

TEST_P(EveryInt8Convolution, MatchesWholeNumberArithmetic) {
  const Convolution convolution(setup_);
  const AlignedBuffer got =
      run(convolution, std::span(src_).first(2 * src_size_), std::span(before_).first(2 * dst_size_), 2);
  const Conv2dAttributes& a = setup_.attributes;
  const bool signed_src = setup_.src_scale.is_signed;
  const int largest = has_vnni() || signed_src ? 127 : 63;
  const int64_t channels = setup_.src_shape[0], h = setup_.src_shape[1], w = setup_.src_shape[2];
  const int64_t outputs = a.out_channels, inputs = channels / a.groups, per_output = inputs * a.kernel_h * a.kernel_w;
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t o = 0; o < outputs; ++o) {
      const std::span<const float> weight =
          std::span(setup_.weight).subspan(static_cast<size_t>(o * per_output), static_cast<size_t>(per_output));
      double step = 0;
      for (const float value : weight) step = std::max(step, std::abs(static_cast<double>(value)) / largest);
      for (int64_t pixel = 0; pixel < setup_.dst_shape[1] * setup_.dst_shape[2]; ++pixel) {
        const int64_t top = pixel / setup_.dst_shape[2] * a.stride_h - a.pad_top;
        const int64_t left = pixel % setup_.dst_shape[2] * a.stride_w - a.pad_left;
        int64_t sum = 0, magnitude = 0;
        for (int64_t i = 0; i < per_output; ++i) {
          const int64_t c = o / (outputs / a.groups) * inputs + i / (a.kernel_h * a.kernel_w);
          const int64_t y = top + i / a.kernel_w % a.kernel_h * a.dilation_h, x = left + i % a.kernel_w * a.dilation_w;
          if (y < 0 || y >= h || x < 0 || x >= w) continue;
          const int q = number(src_[static_cast<size_t>(((row * h + y) * w + x) * channels + c)], signed_src);
          sum += q * static_cast<int64_t>(std::nearbyint(weight[static_cast<size_t>(i)] / step));
          magnitude += std::abs(q);
        }
        const auto at = static_cast<size_t>((row * setup_.dst_shape[1] * setup_.dst_shape[2] + pixel) * outputs + o);
        const double factor = setup_.src_scale.scale * step / setup_.dst_scale.scale;
        double expected =
            static_cast<double>(sum) * factor + setup_.bias[static_cast<size_t>(o)] / setup_.dst_scale.scale;
        if (setup_.adds_to_dst) {
          expected += number(before_[at], setup_.residual_scale.is_signed) * setup_.residual_scale.scale /
                      setup_.dst_scale.scale;
        }
        if (setup_.relu) expected = std::max(0.0, expected);
        const double dst_step = setup_.dst_scale.scale;
        if (setup_.clip) expected = std::clamp(expected, setup_.clip->low / dst_step, setup_.clip->high / dst_step);
        if (setup_.hard_swish) expected *= std::clamp(expected * dst_step / 6 + 0.5, 0.0, 1.0);
        const bool dst_is_signed = setup_.dst_scale.is_signed;
        expected = std::clamp(expected, dst_is_signed ? -128.0 : 0.0, dst_is_signed ? 127.0 : 255.0);
        // Half a step, and what fp32 adds. Without VNNI oneDNN halves the weights that meet signed bytes, which moves
        // each by up to one step, and hard swish has a slope of up to 1.5.
        const double halved = !has_vnni() && signed_src ? 1.5 * static_cast<double>(magnitude) * factor : 0;
        EXPECT_NEAR(number(got.data()[at], dst_is_signed), expected, 0.5 + 1e-3 + halved)
            << "row " << row << ", output " << o << ", pixel " << pixel << ", " << convolution.implementation();
      }
    }
  }
}

TEST_P(EveryInt8Convolution, EveryNumberOfRowsGivesTheBitsOfOneRowAlone) {
  const Convolution convolution(setup_);
  EXPECT_EQ(convolution.bucket_rows().back(), 1);
  const auto rows = [&](size_t first, size_t n) {
    return run(convolution, std::span(src_).subspan(first * src_size_, n * src_size_),
               std::span(before_).subspan(first * dst_size_, n * dst_size_), n);
  };
  std::vector<std::byte> alone;
  for (size_t row = 0; row < kRows; ++row) {
    const AlignedBuffer one = rows(row, 1);
    alone.insert(alone.end(), one.bytes().begin(), one.bytes().end());
  }
  for (size_t n = 2; n <= kRows; ++n) {
    for (const size_t skip : {size_t{0}, kRows - n}) {
      EXPECT_EQ(std::memcmp(rows(skip, n).data(), &alone[skip * dst_size_], n * dst_size_), 0)
          << n << " rows after " << skip << ", " << convolution.implementation();
    }
  }
}

// On one machine or another: maps that do not stay in the cache are oneDNN's, and so is what we have no kernel for.
TEST(DirectConvolution, TakesWhatItIsFasterAt) {
  ConvolutionSetup setup;
  setup.precision = Precision::kInt8;
  setup.attributes = conv(16, 3, 1, 1);
  setup.src_shape = {8, 32, 32};
  EXPECT_EQ(DirectConvolution::takes(setup), has_isa(dnnl::cpu_isa::avx512_core_vnni));
  const auto refuses = [&](auto change) {
    ConvolutionSetup changed = setup;
    change(changed);
    return !DirectConvolution::takes(changed);
  };
  EXPECT_TRUE(refuses([](ConvolutionSetup& s) { s.precision = Precision::kBF16; }));
  EXPECT_TRUE(refuses([](ConvolutionSetup& s) { s.attributes.groups = 2; }));
  EXPECT_TRUE(refuses([](ConvolutionSetup& s) { s.attributes.dilation_w = 2; }));
  EXPECT_TRUE(refuses([](ConvolutionSetup& s) { s.src_shape = {64, 112, 112}; }));
  EXPECT_TRUE(refuses([](ConvolutionSetup& s) { s.src_shape = {96, 8, 8}; }));
}

TEST_P(EveryInt8Convolution, HasAKernelThatIsNoReferenceLoop) {
  if (setup_.attributes.groups > 1 && !has_isa(dnnl::cpu_isa::avx512_core)) {
    GTEST_SKIP() << "without AVX-512 oneDNN has none for groups; a stage computes those in fp32";
  }
  EXPECT_TRUE(Convolution::has_fast_kernel(setup_)) << Convolution(setup_).implementation();
}

INSTANTIATE_TEST_SUITE_P(Layers, EveryInt8Convolution, testing::ValuesIn(settings()), [](const auto& instance) {
  const Setting& s = instance.param;
  return s.layer.name + (s.src_is_signed ? "_s8" : "_u8") + (s.dst_is_signed ? "_s8" : "_u8") +
         (s.residual ? "_residual" : "") + (s.activation.empty() ? "" : "_" + s.activation);
});

}  // namespace
}  // namespace sooner::onednn
