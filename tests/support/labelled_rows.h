// Labelled logits for tests of what policies learn from them: written out by hand, or random ones whose exits know more
// and more.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "core/rng.h"
#include "policy/labelled_logits.h"

namespace sooner {

class LabelledRows final : public LabelledLogits {
 public:
  // logits: [N][K][C].
  LabelledRows(int32_t exits, int32_t classes, std::vector<float> logits, std::vector<int32_t> labels)
      : exits_(exits), classes_(classes), logits_(std::move(logits)), labels_(std::move(labels)) {}
  [[nodiscard]] int64_t samples() const override { return static_cast<int64_t>(labels_.size()); }
  [[nodiscard]] PolicyContext context() const override { return {.exits = exits_, .classes = classes_}; }
  [[nodiscard]] ExitObservation observation(int64_t sample, int32_t exit) const override {
    const int64_t row = sample * exits_ + exit;
    return {.logits = std::span(logits_).subspan(static_cast<size_t>(row * classes_), static_cast<size_t>(classes_))};
  }
  [[nodiscard]] int32_t label(int64_t sample) const override { return labels_[static_cast<size_t>(sample)]; }

 private:
  int32_t exits_, classes_;
  std::vector<float> logits_;
  std::vector<int32_t> labels_;
};

// Two classes: sample n has logits {gap, 0} at each exit.
inline LabelledRows gap_rows(const std::vector<std::vector<float>>& gaps, const std::vector<int32_t>& labels) {
  std::vector<float> logits;
  for (const std::vector<float>& sample : gaps) {
    for (const float gap : sample) logits.insert(logits.end(), {gap, 0.0F});
  }
  return {static_cast<int32_t>(gaps.at(0).size()), 2, std::move(logits), labels};
}

inline LabelledRows random_rows(uint64_t seed, int64_t samples, int32_t exits, int32_t classes) {
  Rng rng(seed);
  std::vector<float> logits;
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < samples; ++n) {
    labels.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes))));
    const double difficulty = rng.normal();
    for (int32_t k = 0; k < exits; ++k) {
      const double skill = 2.0 + 1.5 * k - difficulty;
      for (int32_t c = 0; c < classes; ++c) {
        logits.push_back(static_cast<float>(rng.normal() + (c == labels.back() ? skill : 0.0)));
      }
    }
  }
  return {exits, classes, std::move(logits), std::move(labels)};
}

}  // namespace sooner
