// Samples on their way from one session to another: what crosses a cut, as bytes. docs/carried_rows.md lists them.
//
// Rows are opaque, in the layout of the backend and precision they were computed with; only a session of the same
// model, backend and precision, which has the rows' policies, can go on from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "runtime/result.h"

namespace sooner {

inline constexpr uint32_t kCarriedVersion = 2;

// One that rows follow.
struct CarriedPolicy {
  uint64_t fingerprint = 0;  // ExitPolicy::fingerprint
  uint64_t state_bytes = 0;  // per row; a multiple of 8
  std::string name;          // "max-prob", for people
};

struct CarriedRow {
  uint64_t id = 0;                                                // what the session that began calls the sample
  uint32_t policy = 0;                                            // its place in the list
  int64_t macs = 0;                                               // executed so far
  double spent_seconds = 0;                                       // since the sample began, where somebody read a clock
  double left_seconds = std::numeric_limits<double>::infinity();  // of its deadline; +inf: it has none
};

// One value of the carry set. n: rows.
struct CarriedTensor {
  uint32_t node = 0;
  uint64_t row_bytes = 0;
  std::span<const std::byte> rows;  // [n, row_bytes]
};

struct CarriedRows {
  uint32_t stage = 0;      // the last one that has run
  std::string model_hash;  // 16 hex digits
  std::string precision;   // "bf16"
  std::string backend;     // "onednn"
  std::vector<CarriedPolicy> policies = {};
  std::vector<CarriedRow> rows = {};                    // [n]
  std::vector<std::span<const std::byte>> states = {};  // [n], each as long as its policy says
  // What every row would be answered if it went no further; none where `classes` is 0.
  uint32_t classes = 0;
  std::vector<Result> answers = {};                     // [n]; macs and elapsed_seconds are the row's
  std::vector<std::span<const std::byte>> logits = {};  // [n], fp32 [classes]
  std::vector<CarriedTensor> tensors = {};
};

// Throws kInvalidArgument for a name that does not fit its field.
void append_carried(const CarriedRows& rows, std::vector<std::byte>& bytes);

// Spans point into `bytes`. Throws kDataLoss naming the byte offset: cut short, too long, another version, lengths that
// do not fit, a policy that is not in the list, a wrong check sum.
CarriedRows parse_carried(std::span<const std::byte> bytes);

}  // namespace sooner
