#include "core/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "core/aligned_buffer.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Shape, CountsElements) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({3, 32, 32}), 3072);
  EXPECT_EQ(element_count({3, 0, 32}), 0);
  EXPECT_EQ(element_count({int64_t{1} << 31, int64_t{1} << 31}), int64_t{1} << 62);
}

TEST(Shape, RefusesNegativeAndOverflowingExtents) {
  EXPECT_THAT(error_of([] { element_count({3, -1}); }).what(), HasSubstr("extent -1 of 3x-1"));
  EXPECT_THAT(error_of([] { element_count({int64_t{1} << 40, int64_t{1} << 40}); }).what(), HasSubstr("2^62"));
  EXPECT_EQ(error_of([] { element_count({std::numeric_limits<int64_t>::max(), 2}); }).code(), Code::kInvalidArgument);
}

TEST(Shape, ReadsLikeAPersonWritesIt) {
  EXPECT_EQ(to_string(Shape{3, 32, 32}), "3x32x32");
  EXPECT_EQ(to_string(Shape{}), "scalar");
}

TEST(DType, KnowsSizesAndNames) {
  EXPECT_EQ(size_of(DType::kF32), 4U);
  EXPECT_EQ(size_of(DType::kBF16), 2U);
  EXPECT_EQ(size_of(DType::kS8), 1U);
  EXPECT_EQ(size_of(DType::kU8), 1U);
  EXPECT_EQ(size_of(DType::kI32), 4U);
  EXPECT_EQ(size_of(DType::kI64), 8U);
  EXPECT_EQ(to_string(DType::kS8), "I8");
}

TEST(Precision, ReadsBackItsNames) {
  for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
    EXPECT_EQ(precision_from_string(to_string(precision)), precision);
  }
  EXPECT_THAT(error_of([] { precision_from_string("fp16"); }).what(), HasSubstr("expected fp32, bf16 or int8"));
}

// bf16 keeps 8 bits of mantissa: 1 + 2^-8 lies halfway between 1 and 1 + 2^-7, and ties go to the even one.
TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(from_bf16(to_bf16(1.0F)), 1.0F);
  EXPECT_EQ(from_bf16(to_bf16(-2.5F)), -2.5F);
  EXPECT_EQ(from_bf16(to_bf16(1.00390625F)), 1.0F);
  EXPECT_EQ(from_bf16(to_bf16(1.01171875F)), 1.015625F);  // 1 + 3 * 2^-8, halfway again: up to the even one
  EXPECT_EQ(from_bf16(to_bf16(1.004F)), 1.0078125F);
}

TEST(BFloat16, KeepsInfinityNanAndSignedZero) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(from_bf16(to_bf16(infinity)), infinity);
  EXPECT_EQ(from_bf16(to_bf16(std::numeric_limits<float>::max())), infinity);
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7f800001U)))));  // its upper half alone is infinity
  EXPECT_TRUE(std::signbit(from_bf16(to_bf16(-0.0F))));
}

TEST(Tensor, IsZeroAndAlignedAtBirth) {
  Tensor tensor(DType::kF32, {2, 3});
  EXPECT_EQ(tensor.elements(), 6);
  EXPECT_EQ(tensor.bytes(), 24U);
  EXPECT_THAT(tensor.floats(), Each(0.0F));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.raw().data()) % AlignedBuffer::kAlignment, 0U);
}

TEST(Tensor, MayBeEmpty) {
  EXPECT_EQ(Tensor().bytes(), 0U);
  EXPECT_EQ(Tensor(DType::kU8, {0, 4}).clone().bytes(), 0U);
}

TEST(Tensor, SharesBytesWhenCopiedAndNotWhenCloned) {
  Tensor tensor = Tensor::from_floats({2}, std::array{1.0F, 2.0F});
  Tensor shared = tensor;
  Tensor cloned = tensor.clone();
  tensor.floats()[0] = 9;
  EXPECT_THAT(shared.floats(), ElementsAre(9.0F, 2.0F));
  EXPECT_THAT(cloned.floats(), ElementsAre(1.0F, 2.0F));
}

TEST(Tensor, RefusesFloatsThatDoNotFitAndFloatViewsOfOtherTypes) {
  EXPECT_EQ(error_of([] { Tensor::from_floats({3}, std::array{1.0F, 2.0F}); }).code(), Code::kInternal);
  Tensor bytes(DType::kU8, {8});
  EXPECT_EQ(error_of([&] { (void)bytes.floats(); }).code(), Code::kInternal);
  EXPECT_EQ(error_of([] { Tensor(DType::kF32, {-1}); }).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace sooner
