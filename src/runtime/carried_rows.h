// Samples on their way from one session to another: what crosses a cut, as bytes. docs/carried_rows.md lists them.
//
// Rows are opaque, in the layout of the backend and precision they were computed with; only a session of the same
// model, backend, precision and policy can go on from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sooner {

inline constexpr uint32_t kCarriedVersion = 1;

// One value of the carry set. n: rows.
struct CarriedTensor {
  uint32_t node = 0;
  uint64_t row_bytes = 0;
  std::span<const std::byte> rows;  // [n, row_bytes]
};

struct CarriedRows {
  uint32_t stage = 0;                 // the last one that has run
  std::string model_hash;             // 16 hex digits
  std::string precision;              // "bf16"
  std::string backend;                // "onednn"
  std::string policy;                 // "max-prob"
  std::vector<int32_t> samples;       // [n]: what the session that began called them
  uint64_t state_bytes = 0;           // of the policy, per sample; a multiple of 8
  std::span<const std::byte> states;  // [n, state_bytes]
  std::vector<CarriedTensor> tensors;
};

// Throws kInvalidArgument for a name that does not fit its field.
void append_carried(const CarriedRows& rows, std::vector<std::byte>& bytes);

// Spans point into `bytes`. Throws kDataLoss naming the byte offset: cut short, too long, another version, lengths that
// do not fit, a wrong check sum.
CarriedRows parse_carried(std::span<const std::byte> bytes);

}  // namespace sooner
