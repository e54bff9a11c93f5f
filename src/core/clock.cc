#include "core/clock.h"

#include <chrono>

namespace sooner {

const Clock& steady_clock() {
  class Steady final : public Clock {
   public:
    [[nodiscard]] double seconds() const override {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
  };
  static const Steady kClock;
  return kClock;
}

}  // namespace sooner
