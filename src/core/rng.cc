#include "core/rng.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace sooner {

uint64_t Rng::below(uint64_t n) {
  SOONER_ASSERT(n > 0);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  uint64_t draw = next();
  while (draw >= limit) draw = next();
  return draw % n;
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace sooner
