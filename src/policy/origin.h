// Whose logits a table, a record or a running engine is about: which weights, which samples, and how they were
// computed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sooner {

// Empty texts: not told.
struct Origin {
  std::string weights_hash = {};  // of graph and weights, and at int8 of the maps' scales (runtime/model.h, rows_hash)
  std::string data_set = {};      // name
  std::string split = {};         // "tune"
  std::string split_hash = {};
  std::string precision = {};        // "fp32"
  std::string backend = {};          // "onednn"
  std::string instruction_set = {};  // "avx512_core_bf16"
  bool operator==(const Origin&) const = default;
};

// How logits come out: what is chosen or promised on logits of one class holds for engines of that class.
//
//   kF32       every backend and instruction set: their differences stay inside the tolerance derived for rounding
//              (check/tolerance.h), by which a score must lie from its threshold before a decision can turn
//   kBF16      likewise
//   kInt8      with weights of 127 levels, on processors with VNNI
//   kInt8Small with weights of 63 levels, on others: another network, as far as thresholds go
enum class NumericClass : uint8_t { kUnknown, kF32, kBF16, kInt8, kInt8Small };

// By precision and, at int8, instruction set. kUnknown where the origin does not tell.
NumericClass numeric_class(const Origin& origin);

// For messages: "fp32", "int8 with weights of 63 levels (processors without VNNI)".
std::string_view to_string(NumericClass numbers);

}  // namespace sooner
