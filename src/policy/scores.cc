#include "policy/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sooner {
namespace {

struct TopTwo {
  size_t first = 0;  // index of the largest, the first of equals
  double largest = 0;
  double second = 0;  // largest of the others
};

TopTwo top_two(std::span<const float> logits) {
  TopTwo top;
  top.first = static_cast<size_t>(argmax(logits));
  top.largest = logits[top.first];
  top.second = -std::numeric_limits<double>::infinity();
  for (size_t c = 0; c < logits.size(); ++c) {
    if (c != top.first) top.second = std::max(top.second, static_cast<double>(logits[c]));
  }
  return top;
}

// Sums over every class but the largest, of e = exp((z - z_max) / T): the largest's own e is exactly 1, and leaving it
// out keeps the small numbers of a sure answer from drowning in it.
struct Rest {
  double exp_sum = 0;   // sum e
  double distance = 0;  // sum e * (z_max - z) / T
  // Of p = softmax(z / T), natural logs.
  [[nodiscard]] double entropy() const { return std::log1p(exp_sum) + distance / (1 + exp_sum); }
};

void add_class(Rest& rest, double scaled) {
  const double e = std::exp(scaled);
  rest.exp_sum += e;
  if (e != 0) rest.distance -= e * scaled;  // not 0 * infinity for a logit of -infinity; a NaN passes on
}

Rest sum_rest(std::span<const float> logits, size_t first, double temperature) {
  Rest rest;
  for (size_t c = 0; c < logits.size(); ++c) {
    if (c != first)
      add_class(rest, (static_cast<double>(logits[c]) - static_cast<double>(logits[first])) / temperature);
  }
  return rest;
}

double log_classes(std::span<const float> logits) { return std::log(static_cast<double>(logits.size())); }

}  // namespace

int32_t argmax(std::span<const float> logits) {
  size_t best = 0;
  for (size_t c = 1; c < logits.size(); ++c) {
    if (logits[c] > logits[best]) best = c;
  }
  return static_cast<int32_t>(best);
}

double entropy_score(std::span<const float> logits, double temperature) {
  const Rest rest = sum_rest(logits, static_cast<size_t>(argmax(logits)), temperature);
  // Rounding may carry the entropy of equal logits past ln C; a NaN must stay one.
  const double score = 1 - rest.entropy() / log_classes(logits);
  return score < 0 ? 0 : score;
}

double max_prob_log_odds(std::span<const float> logits, double temperature) {
  const TopTwo top = top_two(logits);
  // Summed around the second largest, so that a gap of any size gives a finite answer.
  const double per_unit = 1 / temperature;
  double sum = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    if (c != top.first) sum += std::exp((static_cast<double>(logits[c]) - top.second) * per_unit);
  }
  return (top.largest - top.second) * per_unit - std::log(sum);
}

float softmax_probability(std::span<const float> logits, int32_t label, double temperature) {
  const float z = logits[static_cast<size_t>(label)], per_unit = static_cast<float>(1 / temperature);
  float total = 0;
  for (const float other : logits) total += std::exp((other - z) * per_unit);
  return 1 / total;
}

double margin_score(std::span<const float> logits, double temperature) {
  const TopTwo top = top_two(logits);
  const Rest rest = sum_rest(logits, top.first, temperature);
  return -std::expm1((top.second - top.largest) / temperature) / (1 + rest.exp_sum);
}

void gate_scores(std::span<const float> logits, std::span<float, 4> scores) {
  const TopTwo top = top_two(logits);
  Rest p;
  Rest q;  // p^2 renormalised is the softmax at temperature 1/2
  for (size_t c = 0; c < logits.size(); ++c) {
    if (c == top.first) continue;
    const double scaled = static_cast<double>(logits[c]) - top.largest;
    add_class(p, scaled);
    add_class(q, 2 * scaled);
  }
  scores[0] = static_cast<float>(1 / (1 + p.exp_sum));
  scores[1] = static_cast<float>(p.entropy() / log_classes(logits));
  scores[2] = static_cast<float>(-std::expm1(top.second - top.largest) / (1 + p.exp_sum));
  scores[3] = static_cast<float>(q.entropy() / log_classes(logits));
}

}  // namespace sooner
