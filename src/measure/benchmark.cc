#include "measure/benchmark.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/clock.h"
#include "core/error.h"
#include "measure/energy.h"
#include "measure/evaluate.h"

namespace sooner {
namespace {

double quantile(std::vector<double>& values, double q) {
  SOONER_ASSERT(!values.empty());
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

struct Runner {
  std::unique_ptr<SessionGroup> session;
  double joules = 0;
  std::vector<Result> results;  // of the first pass
  std::vector<double> pass_us;  // per repeat
  std::vector<double> call_us;  // every counted call
  double current_us = 0;
};

}  // namespace

std::vector<Timing> benchmark(const std::vector<Contestant>& contestants, const Batch& samples, int64_t batch,
                              int repeats) {
  SOONER_ASSERT(samples.n > 0 && batch > 0 && repeats > 0);
  const auto image = static_cast<int64_t>(samples.images.size()) / samples.n;
  std::vector<Runner> runners(contestants.size());
  for (size_t c = 0; c < contestants.size(); ++c) {
    const Contestant& one = contestants[c];
    runners[c].session = std::make_unique<SessionGroup>(one.model, one.policy, one.threads, one.options, one.layout);
    runners[c].results.resize(static_cast<size_t>(samples.n));
  }
  // Turns of about 64 images: long enough to warm a cache, short against the machine's moods.
  const int64_t turn = std::max<int64_t>(1, 64 / batch) * batch;
  EnergyMeter meter;
  for (int repeat = -1; repeat < repeats; ++repeat) {
    for (Runner& runner : runners) runner.current_us = 0;
    for (int64_t first = 0; first < samples.n; first += turn) {
      for (size_t turn_index = 0; turn_index < runners.size(); ++turn_index) {
        // Whoever comes first in a turn changes with the repeat.
        Runner& runner = runners[(turn_index + static_cast<size_t>(repeat + 1)) % runners.size()];
        static_cast<void>(meter.used_joules());
        for (int64_t at = first; at < std::min(first + turn, samples.n); at += batch) {
          const int64_t n = std::min(batch, samples.n - at);
          const std::span<const float> images(samples.images.data() + at * image, static_cast<size_t>(n * image));
          const Stopwatch watch;
          const std::span<const Result> results = runner.session->run(images, n);
          const double us = 1e6 * watch.seconds();
          runner.current_us += us;
          if (repeat >= 0 && n == batch) runner.call_us.push_back(us);
          for (int64_t i = 0; i < n; ++i) {
            Result& known = runner.results[static_cast<size_t>(at + i)];
            const Result& result = results[static_cast<size_t>(i)];
            if (repeat < 0) known = result;
            const bool same_number = std::isnan(result.number) || known.number == result.number;
            if (known.label != result.label || !same_number) {
              fail(Code::kInternal, "[bench] sample {} got label {} ({}), then {} ({}): answers must not change",
                   at + i, known.label, known.number, result.label, result.number);
            }
          }
        }
        if (repeat >= 0) runner.joules += meter.used_joules();
      }
    }
    if (repeat < 0) continue;
    for (Runner& runner : runners) runner.pass_us.push_back(runner.current_us / static_cast<double>(samples.n));
  }
  std::vector<Timing> timings;
  for (size_t c = 0; c < runners.size(); ++c) {
    Runner& runner = runners[c];
    Timing timing;
    timing.name = contestants[c].name;
    timing.batch = batch;
    std::vector<double> ratios;
    for (size_t r = 0; r < runner.pass_us.size(); ++r) ratios.push_back(runner.pass_us[r] / runners[0].pass_us[r]);
    timing.ratio = quantile(ratios, 0.5);
    for (size_t i = 0; i < runner.results.size(); ++i) timing.quality += quality_of(runner.results[i], samples, i);
    timing.quality /= static_cast<double>(samples.n);
    if (!runner.call_us.empty()) {
      timing.call_p50_us = quantile(runner.call_us, 0.5);
      timing.call_p99_us = quantile(runner.call_us, 0.99);
    }
    timing.millijoules = meter.available()
                             ? 1000 * runner.joules / (static_cast<double>(samples.n) * static_cast<double>(repeats))
                             : std::numeric_limits<double>::quiet_NaN();
    std::vector<double> passes = runner.pass_us;
    timing.median_us = quantile(passes, 0.5);
    timings.push_back(std::move(timing));
  }
  return timings;
}

}  // namespace sooner
