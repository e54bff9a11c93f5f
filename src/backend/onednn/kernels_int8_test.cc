// The byte kernels of every table this processor can run, against the fp32 kernels of the same table on the same
// numbers. Arrays are exactly as long as they have to be, so that a sanitizer sees any step outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/onednn/kernels.h"
#include "backend/onednn/linear_weights.h"
#include "core/cpu.h"
#include "core/rng.h"

namespace sooner::onednn {
namespace {

struct Setting {
  const char* name;
  const KernelTable* table;
  ByteCode src, dst;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

std::vector<Setting> settings() {
  std::vector<std::pair<const char*, const KernelTable*>> tables{{"portable", &kPortableKernels}};
  if (cpu_features().avx2) tables.emplace_back("avx2", &kAvx2Kernels);
  if (cpu_features().avx512) tables.emplace_back("avx512", &kAvx512Kernels);
  std::vector<Setting> result;
  for (const auto& [name, table] : tables) {
    for (const bool src_is_signed : {false, true}) {
      for (const bool dst_is_signed : {false, true}) {
        result.push_back({name, table, {0.031F, src_is_signed}, {0.047F, dst_is_signed}});
      }
    }
  }
  return result;
}

int whole(uint8_t byte, const ByteCode& code) { return code.is_signed ? static_cast<int8_t>(byte) : byte; }

class EveryByteTable : public testing::TestWithParam<Setting> {
 protected:
  [[nodiscard]] const ElementKernels& bytes() const { return GetParam().table->int8; }
  [[nodiscard]] const ElementKernels& floats() const { return GetParam().table->f32; }
  [[nodiscard]] ByteCode src() const { return GetParam().src; }
  [[nodiscard]] ByteCode dst() const { return GetParam().dst; }

  static std::vector<uint8_t> random_bytes(size_t size, uint64_t seed) {
    Rng rng(seed);
    std::vector<uint8_t> result(size);
    for (uint8_t& byte : result) byte = static_cast<uint8_t>(rng.below(256));
    return result;
  }
  static std::vector<float> numbers(const std::vector<uint8_t>& all, const ByteCode& code) {
    std::vector<float> result;
    for (const uint8_t byte : all) result.push_back(static_cast<float>(whole(byte, code)) * code.step);
    return result;
  }
  // Each byte is the nearest to its number that there is.
  void expect_nearest(const std::vector<uint8_t>& got, const std::vector<float>& want) const {
    ASSERT_EQ(got.size(), want.size());
    const double low = dst().is_signed ? -128 : 0, high = low + 255;
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(whole(got[i], dst()), std::clamp<double>(want[i] / dst().step, low, high), 0.5001) << "element " << i;
    }
  }
};

TEST_P(EveryByteTable, LinearReadsBytes) {
  constexpr size_t kRows = 5, kInputs = 33, kOutputs = 17;
  const std::vector<uint8_t> x = random_bytes(kRows * kInputs, 1);
  const std::vector<float> as_floats = numbers(x, src());
  std::vector<float> weight(kOutputs * kInputs), bias(kOutputs);
  Rng rng(2);
  for (float& value : weight) value = static_cast<float>(rng.normal());
  for (float& value : bias) value = static_cast<float>(rng.normal());
  const LinearWeights packed = pack_linear(weight, bias, kInputs, {}, std::nullopt);
  std::vector<float> got(kRows * kOutputs), want(kRows * kOutputs), alone(kOutputs);
  LinearArguments a{
      x.data(), packed.weight.as<float>(), packed.bias.as<float>(), got.data(), kRows, kInputs, kOutputs, false, src()};
  bytes().linear(a);
  a.src = as_floats.data();
  a.dst = want.data();
  floats().linear(a);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-4);
  a.n = 1;
  a.dst = alone.data();
  for (size_t row = 0; row < kRows; ++row) {
    a.src = &x[row * kInputs];
    bytes().linear(a);
    EXPECT_EQ(std::memcmp(alone.data(), &got[row * kOutputs], kOutputs * sizeof(float)), 0) << "row " << row;
  }
}

TEST_P(EveryByteTable, PoolsAsFloatsDo) {
  for (const int64_t channels : {1, 5, 16, 21}) {
    for (const float alpha : {1.0F, 0.0F, 0.3F}) {
      for (const int64_t pad : {0, 1}) {
        PoolArguments p;
        p.n = 2;
        p.channels = channels;
        p.src_h = 7;
        p.src_w = 6;
        p.kernel_h = p.kernel_w = pad == 0 ? 2 : 3;
        p.stride_h = p.stride_w = 2;
        p.pad_h = p.pad_w = pad;
        p.dst_h = 4 - (pad == 0 ? 1 : 0);
        p.dst_w = 3;
        p.alpha = alpha;
        p.relu = alpha == 0;
        const std::vector<uint8_t> x = random_bytes(2 * 42 * static_cast<size_t>(channels), 3);
        const std::vector<float> as_floats = numbers(x, src());
        const auto size = static_cast<size_t>(2 * p.dst_h * p.dst_w * channels);
        std::vector<uint8_t> got(size);
        std::vector<float> want(size);
        p.src_code = src();
        p.dst_code = dst();
        p.src = x.data();
        p.dst = got.data();
        bytes().pool(p);
        p.src = as_floats.data();
        p.dst = want.data();
        floats().pool(p);
        expect_nearest(got, want);
      }
    }
  }
}

TEST_P(EveryByteTable, ElementwiseKernelsMatchAtEverySize) {
  for (const size_t count : {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{50}}) {
    const ByteCode other{0.02F, !src().is_signed};
    const std::vector<uint8_t> a = random_bytes(count, 1), b = random_bytes(count, 2);
    const std::vector<float> a_floats = numbers(a, src()), b_floats = numbers(b, other);
    std::vector<float> scale(count), shift(count);
    for (size_t i = 0; i < count; ++i) scale[i] = 0.1F * static_cast<float>(i) - 1, shift[i] = 0.5F;
    for (const bool relu : {false, true}) {
      for (void (*ElementKernels::*kernel)(const ElementwiseArguments&) :
           {&ElementKernels::relu, &ElementKernels::add, &ElementKernels::scale_shift}) {
        std::vector<uint8_t> got(count);
        std::vector<float> want(count);
        (bytes().*
         kernel)({a.data(), b.data(), scale.data(), shift.data(), got.data(), count, count, relu, src(), other, dst()});
        (floats().*kernel)({a_floats.data(),
                            b_floats.data(),
                            scale.data(),
                            shift.data(),
                            want.data(),
                            count,
                            count,
                            relu,
                            {},
                            {},
                            {}});
        expect_nearest(got, want);
      }
    }
  }
}

TEST_P(EveryByteTable, ActivationsProductsAndPaddingMatch) {
  constexpr size_t kChannels = 5, kPixels = 6, kCount = 2 * kPixels * kChannels;
  const ByteCode other{0.02F, !src().is_signed};
  const std::vector<uint8_t> a = random_bytes(kCount, 1), b = random_bytes(kCount, 2);
  const std::vector<float> a_floats = numbers(a, src()), b_floats = numbers(b, other);
  for (void (*ElementKernels::*kernel)(const ElementwiseArguments&) :
       {&ElementKernels::clip, &ElementKernels::hard_swish, &ElementKernels::leaky_relu, &ElementKernels::sigmoid,
        &ElementKernels::hard_sigmoid, &ElementKernels::gelu, &ElementKernels::mul}) {
    for (const size_t pixels : {size_t{0}, kPixels}) {
      std::vector<uint8_t> got(kCount);
      std::vector<float> want(kCount);
      ElementwiseArguments e{a.data(),  b.data(), nullptr, nullptr, got.data(), kCount,
                             kChannels, false,    src(),   other,   dst()};
      e.high = 1.5F;
      e.slope = 0.2F;
      e.alpha = e.beta = 0.5F;
      e.tanh = pixels != 0;
      e.pixels = pixels;
      (bytes().*kernel)(e);
      e.a = a_floats.data();
      e.b = b_floats.data();
      e.dst = want.data();
      (floats().*kernel)(e);
      expect_nearest(got, want);
    }
  }
  PadArguments p;
  p.n = 2;
  p.channels = kChannels;
  p.src_h = 2;
  p.src_w = 3;
  p.dst_h = 4;
  p.dst_w = 6;
  p.top = p.left = 1;
  std::vector<uint8_t> got(2 * 4 * 6 * kChannels, 9), same(got.size());
  std::vector<float> want(got.size());
  p.src = a.data();
  p.dst = got.data();
  p.src_code = src();
  p.dst_code = dst();
  bytes().pad(p);
  p.src = a_floats.data();
  p.dst = want.data();
  floats().pad(p);
  expect_nearest(got, want);
  p.src = a.data();
  p.dst = same.data();
  p.dst_code = p.src_code;
  bytes().pad(p);
  for (size_t c = 0; c < kChannels; ++c)
    EXPECT_EQ(same[(6 + 1) * kChannels + c], a[c]) << "of one step: not rounded again";
}

TEST_P(EveryByteTable, MeansAndLayoutChangesMatch) {
  for (const size_t channels : {size_t{1}, size_t{3}, size_t{16}, size_t{21}}) {
    constexpr size_t kSamples = 2, kPixels = 19;
    const size_t size = kSamples * channels * kPixels;
    const std::vector<uint8_t> x = random_bytes(size, channels);
    const std::vector<float> as_floats = numbers(x, src());
    std::vector<float> got(size), want(size);
    bytes().to_planes({x.data(), got.data(), kSamples, kPixels, channels, src(), {}});
    floats().to_planes({as_floats.data(), want.data(), kSamples, kPixels, channels, {}, {}});
    for (size_t i = 0; i < size; ++i) EXPECT_FLOAT_EQ(got[i], want[i]);

    std::vector<uint8_t> packed(size);
    std::vector<float> packed_floats(size);
    bytes().from_planes({want.data(), packed.data(), kSamples, kPixels, channels, {}, dst()});
    floats().from_planes({want.data(), packed_floats.data(), kSamples, kPixels, channels, {}, {}});
    expect_nearest(packed, packed_floats);

    std::vector<float> means(kSamples * channels), mean_floats(kSamples * channels);
    bytes().mean({x.data(), means.data(), kSamples, kPixels, channels, src(), {}});
    floats().mean({as_floats.data(), mean_floats.data(), kSamples, kPixels, channels, {}, {}});
    for (size_t i = 0; i < means.size(); ++i) EXPECT_NEAR(means[i], mean_floats[i], 1e-5);
  }
}

TEST_P(EveryByteTable, TiesGoToEvenAndTheFarAwayToTheEnds) {
  const float step = dst().step;
  const std::vector<float> numbers{0.5F * step, 1.5F * step, 2.5F * step, 1e9F, -1e9F, 0.0F, -0.5F * step};
  std::vector<uint8_t> got(numbers.size());
  bytes().from_planes({numbers.data(), got.data(), 1, numbers.size(), 1, {}, {step, true}});
  std::vector<int> want{0, 2, 2, 127, -128, 0, 0};
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(whole(got[i], {step, true}), want[i]) << numbers[i];
  bytes().from_planes({numbers.data(), got.data(), 1, numbers.size(), 1, {}, {step, false}});
  want = {0, 2, 2, 255, 0, 0, 0};
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], want[i]) << numbers[i];
}

INSTANTIATE_TEST_SUITE_P(Tables, EveryByteTable, testing::ValuesIn(settings()), [](const auto& instance) {
  return std::string(instance.param.name) + (instance.param.src.is_signed ? "_s8" : "_u8") +
         (instance.param.dst.is_signed ? "_s8" : "_u8");
});

}  // namespace
}  // namespace sooner::onednn
