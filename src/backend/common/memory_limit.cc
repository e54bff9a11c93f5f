#include "backend/common/memory_limit.h"

#include <unistd.h>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

void expect_memory(std::string_view place, double bytes) {
  const auto physical = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (bytes > physical) {
    fail(Code::kResourceExhausted, "[{}] would need {}, this machine has {}; use a smaller batch_max or network", place,
         human_bytes(bytes), human_bytes(physical));
  }
}

void expect_countable(const std::vector<Shape>& shapes, int32_t batch_max) {
  double bytes = 0;
  for (const Shape& shape : shapes) {
    bytes += static_cast<double>(element_count(shape)) * sizeof(float) * static_cast<double>(batch_max);
  }
  constexpr double kMost = 0x1p60;
  if (bytes > kMost) {
    fail(Code::kResourceExhausted, "[Backend::compile] activations of {} samples come to {}; use a smaller network",
         batch_max, human_bytes(bytes));
  }
}

}  // namespace sooner
