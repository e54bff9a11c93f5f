#include "policy/threshold_units.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"

namespace sooner {
namespace {

double log_of_classes(int32_t classes) {
  if (classes < 2) fail(Code::kInvalidArgument, "[policy] got {} classes, expected at least 2", classes);
  return std::log(static_cast<double>(classes));
}

}  // namespace

bool scores_log_odds(std::string_view policy_name) { return policy_name == "max-prob" || policy_name == "ensemble"; }

double log_odds_from_probability(double probability) {
  if (!(probability >= 0 && probability <= 1)) {
    fail(Code::kInvalidArgument, "[policy] got probability {}, expected 0 to 1", probability);
  }
  return std::log(probability) - std::log1p(-probability);
}

double probability_from_log_odds(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

double entropy_score_from_nats(double nats, int32_t classes) {
  const double log_classes = log_of_classes(classes);
  if (!(nats >= 0)) fail(Code::kInvalidArgument, "[policy] got {} nats of entropy, expected 0 or more", nats);
  return 1 - nats / log_classes;
}

double nats_from_entropy_score(double score, int32_t classes) { return (1 - score) * log_of_classes(classes); }

std::string threshold_text(std::string_view policy_name, double threshold, int32_t classes) {
  if (std::isinf(threshold)) return threshold < 0 ? "everybody" : "nobody";
  if (scores_log_odds(policy_name)) {
    const double p = probability_from_log_odds(threshold);
    // Near 1 the distance to 1 says more than nines do.
    if (p > 0.9995) return fmt::format("p >= 1 - {:.2g}", probability_from_log_odds(-threshold));
    return fmt::format("p >= {:.3g}", p);
  }
  if (policy_name == "entropy") return fmt::format("H <= {:.3g} nats", nats_from_entropy_score(threshold, classes));
  if (policy_name == "margin") return fmt::format("p1 - p2 >= {:.3g}", threshold);
  if (policy_name == "gate") return fmt::format("g >= {:.3g}", threshold);
  if (policy_name == "confidence") return fmt::format("sum w >= {:.3g}", threshold);
  if (policy_name == "patience" && classes == 1) return fmt::format("changed by <= {:.3g}", std::abs(threshold));
  if (policy_name == "patience") return fmt::format("{:.3g} exits in a row agree", threshold);
  if (policy_name == "vote") return fmt::format("mean vote >= {:.3g}", threshold);
  return fmt::format("score >= {:.3g}", threshold);
}

}  // namespace sooner
