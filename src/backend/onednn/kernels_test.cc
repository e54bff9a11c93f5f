// Every table this processor can run, against sums written out in double. Arrays are exactly as long as they have to
// be, so that a sanitizer sees any step outside.
#include "backend/onednn/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "backend/onednn/linear_weights.h"
#include "backend/ref/kernels.h"
#include "core/cpu.h"
#include "core/dtype.h"
#include "core/rng.h"

namespace sooner::onednn {
namespace {

struct Table {
  const char* name;
  const KernelTable* kernels;
};
void PrintTo(const Table& table, std::ostream* out) { *out << table.name; }

std::vector<Table> tables() {
  std::vector<Table> result{{"portable", &kPortableKernels}};
  if (cpu_features().avx2) result.push_back({"avx2", &kAvx2Kernels});
  if (cpu_features().avx512) result.push_back({"avx512", &kAvx512Kernels});
  return result;
}

// Numbers in the precision a kernel reads, and the same numbers in fp32.
struct Numbers {
  std::vector<float> floats;
  std::vector<uint16_t> halves;
  bool is_half = false;
  Numbers(size_t size, bool half, uint64_t seed) : floats(size), is_half(half) {
    Rng rng(seed);
    for (float& value : floats) value = static_cast<float>(rng.normal());
    if (!half) return;
    for (float& value : floats) {
      halves.push_back(to_bf16(value));
      value = from_bf16(halves.back());
    }
  }
  [[nodiscard]] const void* data() const {
    return is_half ? static_cast<const void*>(halves.data()) : static_cast<const void*>(floats.data());
  }
};

// Room for a kernel's results.
struct Results {
  std::vector<float> floats;
  std::vector<uint16_t> halves;
  Results(size_t size, bool half) : floats(half ? 0 : size), halves(half ? size : 0) {}
  [[nodiscard]] void* data() {
    return halves.empty() ? static_cast<void*>(floats.data()) : static_cast<void*>(halves.data());
  }
  [[nodiscard]] std::vector<float> values() const {
    std::vector<float> result = floats;
    for (const uint16_t bits : halves) result.push_back(from_bf16(bits));
    return result;
  }
};

class EveryTable : public testing::TestWithParam<std::tuple<Table, bool>> {
 protected:
  [[nodiscard]] bool half() const { return std::get<1>(GetParam()); }
  [[nodiscard]] const ElementKernels& kernels() const {
    const KernelTable& table = *std::get<0>(GetParam()).kernels;
    return half() ? table.bf16 : table.f32;
  }
  // Of one stored result of magnitude up to `magnitude`.
  [[nodiscard]] double rounding(double magnitude) const { return magnitude * (half() ? 0x1p-8 : 0x1p-23); }
};

std::vector<float> channels_last(const std::vector<float>& planes, size_t n, size_t channels, size_t pixels) {
  std::vector<float> result(planes.size());
  for (size_t s = 0; s < n; ++s) {
    for (size_t c = 0; c < channels; ++c) {
      for (size_t p = 0; p < pixels; ++p) {
        result[(s * pixels + p) * channels + c] = planes[(s * channels + c) * pixels + p];
      }
    }
  }
  return result;
}

TEST_P(EveryTable, LinearMatchesTheReferenceAndEachRowStandsAlone) {
  struct Extent {
    size_t n, inputs, outputs;
  };
  for (const auto& [n, inputs, outputs] : {Extent{1, 1, 1}, Extent{1, 7, 10}, Extent{2, 64, 16}, Extent{5, 33, 17},
                                           Extent{9, 40, 84}, Extent{13, 3, 33}}) {
    const Numbers src(n * inputs, half(), n);
    const std::vector<float> weight = Numbers(outputs * inputs, false, 2).floats,
                             bias = Numbers(outputs, false, 3).floats;
    const LinearWeights packed = pack_linear(weight, bias, inputs, {}, std::nullopt);
    std::vector<float> dst(n * outputs), alone(outputs), expected(outputs);
    LinearArguments a{src.data(), packed.weight.as<float>(), packed.bias.as<float>(), dst.data(), n, inputs, outputs,
                      false};
    kernels().linear(a);
    for (size_t row = 0; row < n; ++row) {
      a.n = 1;
      a.dst = alone.data();
      a.src = static_cast<const std::byte*>(src.data()) + row * inputs * (half() ? 2 : 4);
      kernels().linear(a);
      EXPECT_EQ(std::memcmp(alone.data(), &dst[row * outputs], outputs * sizeof(float)), 0) << "row " << row;
      ref::linear(std::span(src.floats).subspan(row * inputs, inputs), weight, bias, expected);
      for (size_t o = 0; o < outputs; ++o) {
        double magnitude = std::abs(bias[o]);
        for (size_t i = 0; i < inputs; ++i)
          magnitude += std::abs(weight[o * inputs + i] * src.floats[row * inputs + i]);
        EXPECT_NEAR(alone[o], expected[o], static_cast<double>(inputs + 2) * 0x1p-23 * magnitude);
      }
    }
  }
}

TEST_P(EveryTable, LinearReadsAMapInThePlaceOfItsFlattenedVector) {
  constexpr size_t kChannels = 5, kPixels = 6, kOutputs = 3;
  const Numbers planes(kChannels * kPixels, half(), 1);
  const std::vector<float> weight = Numbers(kOutputs * 30, false, 2).floats, gate = Numbers(30, false, 3).floats;
  const std::vector<float> map = channels_last(planes.floats, 1, kChannels, kPixels);
  std::vector<uint16_t> halves;
  for (const float value : map) halves.push_back(to_bf16(value));
  const LinearWeights packed = pack_linear(weight, {}, 30, gate, Shape{5, 2, 3});
  ASSERT_EQ(packed.outputs, 4U);
  std::vector<float> dst(4), expected(3), expected_gate(1);
  kernels().linear({half() ? static_cast<const void*>(halves.data()) : static_cast<const void*>(map.data()),
                    packed.weight.as<float>(), packed.bias.as<float>(), dst.data(), 1, 30, 4, false});
  ref::linear(planes.floats, weight, {}, expected);
  ref::linear(planes.floats, gate, {}, expected_gate);
  for (size_t o = 0; o < 3; ++o) EXPECT_NEAR(dst[o], expected[o], 1e-5);
  EXPECT_NEAR(dst[3], expected_gate[0], 1e-5);
}

std::vector<std::pair<int64_t, bool>> every_pair(const std::vector<int64_t>& numbers, const std::vector<bool>& flags) {
  std::vector<std::pair<int64_t, bool>> pairs;
  for (const int64_t number : numbers) {
    for (const bool flag : flags) pairs.emplace_back(number, flag);
  }
  return pairs;
}

TEST_P(EveryTable, PoolsMatchTheReference) {
  struct Window {
    int64_t kernel, stride, pad;
    bool ceil, count_include_pad;
  };
  Rng rng(5);
  for (const auto& w : {Window{2, 2, 0, true, false}, Window{2, 2, 0, false, false}, Window{3, 2, 1, true, false},
                        Window{3, 2, 1, true, true}, Window{3, 1, 1, false, true}, Window{2, 3, 0, true, true}}) {
    // A single column, too, where windows reach beyond it.
    const std::vector<bool> columns = w.ceil ? std::vector<bool>{false, true} : std::vector<bool>{false};
    for (const auto& [channels, narrow] : every_pair({1, 5, 16, 20}, columns)) {
      for (const double alpha : {1.0, 0.0, 0.3}) {
        const int64_t n = 1 + static_cast<int64_t>(rng.below(3));
        const int64_t h = 3 + static_cast<int64_t>(rng.below(5));
        const int64_t wide = narrow ? 1 : 3 + static_cast<int64_t>(rng.below(5));
        const auto extent = [&](int64_t in) {
          const int64_t room = in + 2 * w.pad - w.kernel;
          int64_t out = (w.ceil ? room + w.stride - 1 : room) / w.stride + 1;
          if (w.ceil && (out - 1) * w.stride >= in + w.pad) --out;
          return out;
        };
        const Shape src_shape{channels, h, wide}, dst_shape{channels, extent(h), extent(wide)};
        const auto src_size = static_cast<size_t>(element_count(src_shape));
        const auto dst_size = static_cast<size_t>(element_count(dst_shape));
        const Numbers planes(static_cast<size_t>(n) * src_size, half(), rng.next());
        const std::vector<float> map = channels_last(planes.floats, static_cast<size_t>(n),
                                                     static_cast<size_t>(channels), static_cast<size_t>(h * wide));
        std::vector<uint16_t> halves;
        for (const float value : map) halves.push_back(to_bf16(value));
        if (!half()) halves.clear();
        Results dst(static_cast<size_t>(n) * dst_size, half());
        PoolArguments p;
        p.src = half() ? static_cast<const void*>(halves.data()) : static_cast<const void*>(map.data());
        p.dst = dst.data();
        p.n = static_cast<size_t>(n);
        p.channels = channels;
        p.src_h = h;
        p.src_w = wide;
        p.dst_h = dst_shape[1];
        p.dst_w = dst_shape[2];
        p.kernel_h = p.kernel_w = w.kernel;
        p.stride_h = p.stride_w = w.stride;
        p.pad_h = p.pad_w = w.pad;
        p.alpha = static_cast<float>(alpha);
        p.count_include_pad = w.count_include_pad;
        p.relu = alpha == 0;
        kernels().pool(p);
        PoolAttributes a;
        a.kernel_h = a.kernel_w = w.kernel;
        a.stride_h = a.stride_w = w.stride;
        a.pad_h = a.pad_w = w.pad;
        a.ceil_mode = w.ceil;
        a.count_include_pad = w.count_include_pad;
        const std::vector<float> got = dst.values();
        std::vector<float> expected(dst_size);
        for (size_t s = 0; s < static_cast<size_t>(n); ++s) {
          ref::pool(a, alpha, src_shape, std::span(planes.floats).subspan(s * src_size, src_size), dst_shape, expected);
          if (p.relu) ref::relu(expected, expected);
          const std::vector<float> want =
              channels_last(expected, 1, static_cast<size_t>(channels), dst_size / static_cast<size_t>(channels));
          for (size_t i = 0; i < dst_size; ++i) EXPECT_NEAR(got[s * dst_size + i], want[i], rounding(16));
        }
      }
    }
  }
}

TEST_P(EveryTable, ElementwiseKernelsMatchAtEverySize) {
  for (const size_t count : {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{50}}) {
    const Numbers a(count, half(), 1), b(count, half(), 2);
    Results rectified(count, half()), sum(count, half()), positive_sum(count, half());
    kernels().relu({a.data(), nullptr, nullptr, nullptr, rectified.data(), count, 0, false});
    kernels().add({a.data(), b.data(), nullptr, nullptr, sum.data(), count, 0, false});
    kernels().add({a.data(), b.data(), nullptr, nullptr, positive_sum.data(), count, 0, true});
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(rectified.values()[i], std::max(0.0F, a.floats[i]));
      EXPECT_NEAR(sum.values()[i], a.floats[i] + b.floats[i], rounding(8));
      EXPECT_NEAR(positive_sum.values()[i], std::max(0.0F, a.floats[i] + b.floats[i]), rounding(8));
    }
  }
}

TEST_P(EveryTable, ActivationsMatchTheReferenceFromEndToEnd) {
  // From far below zero, where e^x is nothing, to far above, where it is infinite; not a whole number of vectors.
  Numbers x(4001, half(), 1);
  for (size_t i = 0; i < x.floats.size(); ++i) {
    const double at = (static_cast<double>(i) - 2000) / 2000;
    x.floats[i] = static_cast<float>(130 * at * at * at);
    if (half()) x.floats[i] = from_bf16(x.halves[i] = to_bf16(x.floats[i]));
  }
  const size_t count = x.floats.size();
  const auto check = [&](const char* name, void (*kernel)(const ElementwiseArguments&), const auto& set,
                         const auto& reference) {
    Results got(count, half());
    std::vector<float> want(count);
    ElementwiseArguments a;
    a.a = x.data();
    a.dst = got.data();
    a.count = count;
    set(a);
    kernel(a);
    reference(x.floats, want);
    const std::vector<float> values = got.values();
    for (size_t i = 0; i < count; ++i) {
      // What 1 - tail and the fitted tail round off, of x itself; and the last rounding.
      const double bound = 4 * 0x1p-24 * std::max(1.0F, std::abs(x.floats[i])) + rounding(std::abs(want[i]));
      ASSERT_NEAR(values[i], want[i], bound) << name << " of " << x.floats[i];
    }
  };
  using Floats = std::vector<float>;
  const auto none = [](ElementwiseArguments&) {};
  check(
      "leaky_relu", kernels().leaky_relu, [](ElementwiseArguments& a) { a.slope = 0.3F; },
      [](const Floats& src, Floats& dst) { ref::leaky_relu(src, 0.3F, dst); });
  check("sigmoid", kernels().sigmoid, none, [](const Floats& src, Floats& dst) { ref::sigmoid(src, dst); });
  check(
      "hard_sigmoid", kernels().hard_sigmoid, [](ElementwiseArguments& a) { a.alpha = 0.2F, a.beta = 0.4F; },
      [](const Floats& src, Floats& dst) { ref::hard_sigmoid({0.2F, 0.4F}, src, dst); });
  check("gelu", kernels().gelu, none, [](const Floats& src, Floats& dst) { ref::gelu({}, src, dst); });
  check(
      "gelu by tanh", kernels().gelu, [](ElementwiseArguments& a) { a.tanh = true; },
      [](const Floats& src, Floats& dst) { ref::gelu({.tanh = true}, src, dst); });
  check(
      "clip", kernels().clip, [](ElementwiseArguments& a) { a.low = -0.5F, a.high = 6; },
      [](const Floats& src, Floats& dst) { ref::clip(src, -0.5, 6, dst); });
  check("hard_swish", kernels().hard_swish, none, [](const Floats& src, Floats& dst) { ref::hard_swish(src, dst); });
}

// An activation's neighbours in a vector, and its place in it, are nothing to it.
TEST_P(EveryTable, AnActivationIsTheSameAtEveryPlaceInAVector) {
  constexpr size_t kCount = 16 + 15;
  const Numbers x(kCount, half(), 4);
  for (void (*kernel)(const ElementwiseArguments&) :
       {kernels().sigmoid, kernels().gelu, kernels().hard_swish, kernels().hard_sigmoid}) {
    for (const bool tanh : {false, true}) {
      ElementwiseArguments a;
      a.alpha = 0.2F;
      a.beta = 0.5F;
      a.tanh = tanh;
      Results together(kCount, half());
      a.a = x.data();
      a.dst = together.data();
      a.count = kCount;
      kernel(a);
      for (size_t i = 0; i < kCount; ++i) {
        Results alone(1, half());
        a.a = static_cast<const std::byte*>(x.data()) + i * (half() ? 2 : 4);
        a.dst = alone.data();
        a.count = 1;
        kernel(a);
        EXPECT_EQ(alone.values()[0], together.values()[i]) << "element " << i;
      }
    }
  }
}

TEST_P(EveryTable, ProductsTakeAFactorForEachNumberOrEachChannel) {
  for (const size_t channels : {size_t{1}, size_t{5}, size_t{16}, size_t{37}}) {
    constexpr size_t kSamples = 2, kPixels = 3;
    const size_t count = kSamples * kPixels * channels;
    const Numbers a(count, half(), 1), b(count, half(), 2), factors(kSamples * channels, half(), 3);
    Results product(count, half()), scaled(count, half());
    ElementwiseArguments args;
    args.a = a.data();
    args.b = b.data();
    args.dst = product.data();
    args.count = count;
    args.channels = channels;
    kernels().mul(args);
    args.b = factors.data();
    args.dst = scaled.data();
    args.pixels = kPixels;
    kernels().mul(args);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(product.values()[i], a.floats[i] * b.floats[i], rounding(std::abs(a.floats[i] * b.floats[i])));
      const float want = a.floats[i] * factors.floats[i / (kPixels * channels) * channels + i % channels];
      EXPECT_NEAR(scaled.values()[i], want, rounding(std::abs(want)));
    }
  }
}

TEST_P(EveryTable, PaddingPutsZerosAroundEveryMap) {
  for (const auto& [top, left, bottom, right] :
       {std::array<size_t, 4>{1, 2, 3, 0}, {0, 0, 0, 0}, {0, 1, 0, 4}, {2, 0, 0, 1}}) {
    for (const size_t channels : {size_t{1}, size_t{5}, size_t{16}}) {
      constexpr size_t kSamples = 2, kHeight = 3, kWidth = 4;
      const Numbers src(kSamples * kHeight * kWidth * channels, half(), channels);
      PadArguments p;
      p.n = kSamples;
      p.channels = channels;
      p.src_h = kHeight;
      p.src_w = kWidth;
      p.dst_h = top + kHeight + bottom;
      p.dst_w = left + kWidth + right;
      p.top = top;
      p.left = left;
      Results dst(kSamples * p.dst_h * p.dst_w * channels, half());
      std::ranges::fill(dst.floats, 9.0F);
      std::ranges::fill(dst.halves, to_bf16(9));
      p.src = src.data();
      p.dst = dst.data();
      kernels().pad(p);
      const std::vector<float> got = dst.values();
      for (size_t i = 0; i < got.size(); ++i) {
        const size_t c = i % channels, x = i / channels % p.dst_w, y = i / channels / p.dst_w % p.dst_h;
        const size_t sample = i / channels / p.dst_w / p.dst_h;
        const bool is_real = y >= top && y < top + kHeight && x >= left && x < left + kWidth;
        const size_t from = ((sample * kHeight + y - top) * kWidth + x - left) * channels + c;
        EXPECT_EQ(got[i], is_real ? src.floats[from] : 0) << "element " << i;
      }
    }
  }
}

TEST_P(EveryTable, ScaleAndShiftWorkPerChannel) {
  for (const size_t channels : {size_t{1}, size_t{5}, size_t{18}}) {
    const size_t count = channels * 3;
    const Numbers src(count, half(), 1);
    const std::vector<float> scale = Numbers(channels, false, 2).floats, shift = Numbers(channels, false, 3).floats;
    Results dst(count, half());
    kernels().scale_shift({src.data(), nullptr, scale.data(), shift.data(), dst.data(), count, channels, false});
    for (size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(dst.values()[i], src.floats[i] * scale[i % channels] + shift[i % channels], rounding(16));
    }
  }
}

TEST_P(EveryTable, MeansAndLayoutChangesMatch) {
  for (const size_t channels : {size_t{1}, size_t{3}, size_t{16}, size_t{21}}) {
    constexpr size_t kSamples = 2, kPixels = 19;
    const Numbers planes(kSamples * channels * kPixels, false, channels);
    Results map(planes.floats.size(), half());
    kernels().from_planes({planes.data(), map.data(), kSamples, kPixels, channels});
    std::vector<float> want = channels_last(planes.floats, kSamples, channels, kPixels);
    for (float& value : want) value = half() ? from_bf16(to_bf16(value)) : value;
    EXPECT_EQ(map.values(), want);

    std::vector<float> back(planes.floats.size()), means(kSamples * channels);
    kernels().to_planes({map.data(), back.data(), kSamples, kPixels, channels});
    for (size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], planes.floats[i], rounding(8));

    kernels().mean({map.data(), means.data(), kSamples, kPixels, channels});
    for (size_t s = 0; s < kSamples; ++s) {
      for (size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (size_t p = 0; p < kPixels; ++p) sum += want[(s * kPixels + p) * channels + c];
        EXPECT_NEAR(means[s * channels + c], sum / kPixels, 1e-6);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, EveryTable, testing::Combine(testing::ValuesIn(tables()), testing::Bool()),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param).name) +
                                  (std::get<1>(instance.param) ? "_bf16" : "_fp32");
                         });

}  // namespace
}  // namespace sooner::onednn
