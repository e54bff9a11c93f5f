// The learning rate of every step, a pure function of the step's number.
#pragma once

#include <cstdint>
#include <string>

namespace sooner {

struct Schedule {
  std::string kind = "one-cycle";  // one-cycle | cosine | step | constant
  double peak = 0.1;
  double warmup = 0.25;  // share of steps in which the rate rises to its peak
  int64_t total_steps = 1;

  // one-cycle: up from peak / 25 along a half cosine, down to peak / 10,000 along another (after Smith and Topin, 2018,
  // with PyTorch's constants). The others rise linearly; then cosine falls to 0, step is x 0.1 at 1/2 and again at 3/4
  // of all steps, constant stays. `step` counts from 0.
  [[nodiscard]] double rate(int64_t step) const;
};

}  // namespace sooner
