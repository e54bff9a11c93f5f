// Element types of tensors, and bfloat16 conversion.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sooner {

enum class DType : uint8_t { kF32, kBF16, kS8, kU8, kI32, kI64 };

// Bytes of one element.
size_t size_of(DType dtype);
// The name the safetensors format uses: "F32", "BF16", "I8", "U8", "I32", "I64".
std::string_view to_string(DType dtype);

// What the arithmetic runs in. Three states have three names: requested, saved, effective.
enum class Precision : uint8_t { kF32, kBF16, kInt8 };
std::string_view to_string(Precision precision);         // "fp32", "bf16", "int8"
Precision precision_from_string(std::string_view name);  // throws kInvalidArgument, naming the choices

// bfloat16 bits of `value`, rounded to nearest even; NaN stays NaN.
inline uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16U) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}
inline float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16U); }

}  // namespace sooner
