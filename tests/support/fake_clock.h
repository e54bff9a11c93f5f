// A clock that goes on when it is told to.
#pragma once

#include <functional>
#include <utility>

#include "core/clock.h"

namespace sooner::test {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(double now = 0) : now_(now) {}
  [[nodiscard]] double seconds() const override {
    ++readings_;
    return now_;
  }
  void advance(double seconds) { now_ += seconds; }
  [[nodiscard]] int readings() const { return readings_; }

 private:
  double now_;
  mutable int readings_ = 0;
};

// One that says what a function says.
class ScriptedClock final : public Clock {
 public:
  explicit ScriptedClock(std::function<double()> script) : script_(std::move(script)) {}
  [[nodiscard]] double seconds() const override { return script_(); }

 private:
  std::function<double()> script_;
};

}  // namespace sooner::test
