#include "core/quantity.h"

#include <cmath>

#include "core/error.h"

namespace sooner {

std::string_view quality_word(const std::optional<Quantity>& quantity) { return quantity ? "error" : "accuracy"; }

double quality_number(const std::optional<Quantity>& quantity, double quality) {
  return quantity ? std::abs(quality) : quality;
}

std::string quality_text(const std::optional<Quantity>& quantity, double quality, int digits) {
  if (std::isnan(quality)) return "-";
  if (!quantity) return fmt::format("{:.{}f} %", 100 * quality, digits);
  return fmt::format("{:.{}f} {}", std::abs(quality), digits + 1, quantity->unit);
}

void require_classes(const std::optional<Quantity>& quantity, std::string_view place, std::string_view what) {
  if (!quantity) return;
  fail(Code::kInvalidArgument, "[{}] {} needs classes, and this is a regression: the {} in {}", place, what,
       quantity->name, quantity->unit);
}

}  // namespace sooner
