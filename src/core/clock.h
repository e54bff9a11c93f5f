// Where seconds come from: passed in to whoever reads the time, so that tests hold it in their hands
// (tests/support/fake_clock.h).
#pragma once

namespace sooner {

class Clock {
 public:
  virtual ~Clock() = default;
  // Since a moment of the clock's own; never falls. Any thread may ask.
  [[nodiscard]] virtual double seconds() const = 0;
};

// The machine's, which nobody sets; lives as long as the program.
const Clock& steady_clock();

// Of one piece of work: seconds from its making, or from the latest lap().
class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock = steady_clock()) : clock_(clock), began_(clock.seconds()) {}
  [[nodiscard]] double seconds() const { return clock_.seconds() - began_; }
  // The same, and begins anew at that moment.
  double lap() {
    const double now = clock_.seconds(), took = now - began_;
    began_ = now;
    return took;
  }

 private:
  const Clock& clock_;
  double began_;
};

}  // namespace sooner
