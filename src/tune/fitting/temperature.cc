#include "tune/fitting/temperature.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/parallel.h"
#include "policy/scores.h"

namespace sooner {
namespace {

// The NLL of softmax(b z) and its derivatives in b = 1/T, in which it is convex.
struct Loss {
  double value = 0;
  double slope = 0;      // E_p[z] - z_label
  double curvature = 0;  // Var_p[z]
};

void add_loss(std::span<const float> logits, int32_t label, double inverse_temperature, Loss& sum) {
  const auto largest = static_cast<double>(logits[static_cast<size_t>(argmax(logits))]);
  double weight_sum = 0;
  double first = 0;   // sum of e * d, d = z - largest <= 0
  double second = 0;  // sum of e * d^2
  for (const float logit : logits) {
    const double distance = static_cast<double>(logit) - largest;
    const double weight = std::exp(inverse_temperature * distance);
    weight_sum += weight;
    first += weight * distance;
    second += weight * distance * distance;
  }
  const double truth = static_cast<double>(logits[static_cast<size_t>(label)]) - largest;
  const double expected = first / weight_sum;
  sum.value += std::log(weight_sum) - inverse_temperature * truth;
  sum.slope += expected - truth;
  sum.curvature += second / weight_sum - expected * expected;
}

// Of every `stride`-th sample.
Loss loss_at(const LogitTable& table, int32_t exit, int64_t stride, double inverse_temperature) {
  Loss sum;
  int64_t samples = 0;
  for (int64_t n = 0; n < table.samples; n += stride, ++samples) {
    add_loss(table.at(n, exit), table.labels[static_cast<size_t>(n)], inverse_temperature, sum);
  }
  const auto total = static_cast<double>(samples);
  return {sum.value / total, sum.slope / total, sum.curvature / total};
}

// The inverse temperature of the least loss of every `stride`-th sample.
double search(const LogitTable& table, int32_t exit, int64_t stride) {
  double low = 1 / kHighestTemperature;
  double high = 1 / kLowestTemperature;
  double at = 1;
  Loss loss = loss_at(table, exit, stride, at);
  if (loss.slope == 0) return at;
  // Is there a minimum between 1 and the bound the slope points to?
  const double bound = loss.slope < 0 ? high : low;
  const Loss at_bound = loss_at(table, exit, stride, bound);
  if (loss.slope < 0 ? at_bound.slope <= 0 : at_bound.slope >= 0) return bound;
  // Newton's method inside a shrinking bracket; a step that would leave it becomes a bisection.
  constexpr int kMostSteps = 100;
  for (int step = 0; step < kMostSteps && loss.slope != 0; ++step) {
    (loss.slope > 0 ? high : low) = at;
    double next = at - loss.slope / loss.curvature;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    const bool arrived = std::abs(std::log(next / at)) < 1e-10;
    at = next;
    if (arrived) break;
    loss = loss_at(table, exit, stride, at);
  }
  return at;
}

// Goes on from where a part of the samples led, on all of them.
class Polish {
 public:
  explicit Polish(double start) : at_(start) {}
  [[nodiscard]] double at() const { return at_; }
  [[nodiscard]] bool done() const { return done_; }

  // The loss there.
  void step(const Loss& loss) {
    constexpr double kLow = 1 / kHighestTemperature, kHigh = 1 / kLowestTemperature;
    const bool outward = (at_ <= kLow && loss.slope > 0) || (at_ >= kHigh && loss.slope < 0);
    done_ = loss.slope == 0 || outward;
    if (done_) return;
    (loss.slope > 0 ? high_ : low_) = at_;
    double next = at_ - loss.slope / loss.curvature;
    if (!(next > low_.value_or(0))) next = low_ ? std::sqrt(*low_ * at_) : kLow;
    if (!(next < high_.value_or(kHigh * 2))) next = high_ ? std::sqrt(*high_ * at_) : kHigh;
    next = std::clamp(next, kLow, kHigh);
    // The next error would be the square of this step.
    done_ = std::abs(std::log(next / at_)) < 1e-6;
    at_ = next;
  }

 private:
  double at_;
  std::optional<double> low_ = {}, high_ = {};  // the minimum lies between, as far as is known
  bool done_ = false;
};

// Each exit's loss at its polish's place, in one pass over the table; of those that are done nothing.
std::vector<Loss> losses_at(const LogitTable& table, const std::vector<Polish>& polishes) {
  constexpr int64_t kBlock = 256;
  const size_t exits = polishes.size();
  std::vector<Loss> blocks(static_cast<size_t>((table.samples + kBlock - 1) / kBlock) * exits);
  for_each_block(table.samples, kBlock, [&](int64_t begin, int64_t end) {
    const std::span<Loss> sums = std::span(blocks).subspan(static_cast<size_t>(begin / kBlock) * exits, exits);
    for (int64_t n = begin; n < end; ++n) {
      for (size_t k = 0; k < exits; ++k) {
        if (polishes[k].done()) continue;
        add_loss(table.at(n, static_cast<int32_t>(k)), table.labels[static_cast<size_t>(n)], polishes[k].at(), sums[k]);
      }
    }
  });
  std::vector<Loss> means(exits);
  const auto total = static_cast<double>(table.samples);
  for (size_t i = 0; i < blocks.size(); ++i) {
    Loss& mean = means[i % exits];
    mean.value += blocks[i].value / total;
    mean.slope += blocks[i].slope / total;
    mean.curvature += blocks[i].curvature / total;
  }
  return means;
}

}  // namespace

TemperatureFit fit_temperature(const LogitTable& table, int32_t exit) {
  const double at = search(table, exit, 1);
  return {.temperature = 1 / at,
          .nll_before = loss_at(table, exit, 1, 1).value,
          .nll_after = loss_at(table, exit, 1, at).value};
}

std::vector<double> fit_temperatures(const LogitTable& table) {
  constexpr int64_t kEnoughToStart = 4096;
  const int64_t stride = std::max<int64_t>(1, table.samples / kEnoughToStart);
  std::vector<double> starts(static_cast<size_t>(table.exits));
  for_each_block(table.exits, 1, [&](int64_t exit, int64_t /*end*/) {
    starts[static_cast<size_t>(exit)] = search(table, static_cast<int32_t>(exit), stride);
  });
  std::vector<Polish> polishes(starts.begin(), starts.end());
  constexpr int kMostPasses = 100;
  for (int pass = 0; pass < kMostPasses && stride > 1; ++pass) {
    if (std::ranges::all_of(polishes, &Polish::done)) break;
    const std::vector<Loss> losses = losses_at(table, polishes);
    for (size_t k = 0; k < polishes.size(); ++k) {
      if (!polishes[k].done()) polishes[k].step(losses[k]);
    }
  }
  std::vector<double> temperatures;
  for (const Polish& polish : polishes) temperatures.push_back(1 / polish.at());
  return temperatures;
}

}  // namespace sooner
