// What a promise about risk says: which loss, how much of it at most, how surely, and by which bound it is shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sooner {

enum class RiskLoss : uint8_t {
  kDiffers,      // 1 where the answer is not the last exit's; looks at no label
  kAccuracyGap,  // 1 where the answer is wrong and the last exit's is right: 1[wrong here] - 1[wrong there], at least 0
};
// "differs", "accuracy-gap".
std::string_view to_string(RiskLoss loss);
// Throws kInvalidArgument for another word, naming the nearest.
RiskLoss risk_loss_from_string(std::string_view text);

// How the mean of a loss is bounded from a sample of it (tune/risk/risk_bounds.h).
enum class RiskBound : uint8_t {
  kBinomial,          // exact, for losses that are 0 or 1
  kHoeffdingBentkus,  // knows the mean alone
  kBetting,           // adapts to the variance; depends on the order, which a seed draws
};
// "binomial", "hoeffding-bentkus", "betting".
std::string_view to_string(RiskBound bound);
// Throws kInvalidArgument for another word, naming the nearest.
RiskBound risk_bound_from_string(std::string_view text);

struct RiskTerms {
  double level = 0.02;               // largest risk: mean loss, in (0, 1)
  std::optional<double> delta = {};  // in (0, 1): how often the promise may fail; none: it holds in expectation
  RiskLoss loss = RiskLoss::kDiffers;
  RiskBound bound = RiskBound::kBinomial;  // with delta alone
  // How many promises may ever rest on the same samples, declared when the first is made; all of them hold at once with
  // probability 1 - delta, so whichever is picked in service does. From 1; more than one with delta alone.
  int64_t promises = 1;
  bool operator==(const RiskTerms&) const = default;
};

// Delta of one promise by itself: its share of what all of them may fail together (Bonferroni). REQUIRES: a delta.
double delta_each(const RiskTerms& terms);

// "risk 0.02 loss differs", "risk 0.02 delta 0.05 loss differs bound binomial", "risk 0.02 delta 0.05 promises 3 loss
// differs bound binomial".
std::string to_string(const RiskTerms& terms);
// The same back. Throws kInvalidArgument for text that to_string does not write.
RiskTerms parse_risk_terms(std::string_view text);

}  // namespace sooner
