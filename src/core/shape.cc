#include "core/shape.h"

#include "core/error.h"

namespace sooner {

int64_t element_count(const Shape& shape) {
  constexpr int64_t kLimit = int64_t{1} << 62;
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0) fail(Code::kInvalidArgument, "[shape] extent {} of {} is negative", extent, to_string(shape));
    if (extent != 0 && count > kLimit / extent) {
      fail(Code::kInvalidArgument, "[shape] {} has more than 2^62 elements", to_string(shape));
    }
    count *= extent;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  return fmt::format("{}", fmt::join(shape, "x"));
}

}  // namespace sooner
