#include "policy/threshold_units.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::string_view kScore = "score";
constexpr std::string_view kProbability = "probability";
constexpr std::string_view kFromOne = "1-";

double log_of_classes(int32_t classes) {
  if (classes < 2) fail(Code::kInvalidArgument, "[policy] got {} classes, expected at least 2", classes);
  return std::log(static_cast<double>(classes));
}

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

double to_score(double value, const ThresholdUnit& unit, int32_t classes) {
  return unit.to_score == nullptr ? value : unit.to_score(value, classes);
}

// Text without `suffix`, which it ends with.
std::string_view without(std::string_view text, std::string_view suffix) {
  return text.substr(0, text.size() - suffix.size());
}

// What is to be tried for a finite score, the shortest first.
std::array<std::string, 2> candidates(double score, const ThresholdUnit& unit, int32_t classes) {
  const double value = people_value(score, unit, classes);
  const std::string name = unit.named ? unit.name : "";
  std::array<std::string, 2> texts = {fmt::format("{}{}", value, name), ""};
  if (unit.name == kProbability) texts[1] = fmt::format("{}{}", kFromOne, probability_from_log_odds(-score));
  return texts;
}

}  // namespace

ThresholdUnit probability_unit(std::string (*text)(double score, int32_t classes)) {
  return {.name = std::string(kProbability),
          .to_score = [](double value, int32_t /*classes*/) { return log_odds_from_probability(value); },
          .from_score = [](double score, int32_t /*classes*/) { return probability_from_log_odds(score); },
          .text = text};
}

std::string plain_threshold_text(std::string_view before, double score) {
  return fmt::format("{}{:.3g}", before, score);
}

std::string probability_text(std::string_view before, double log_odds) {
  const double p = probability_from_log_odds(log_odds);
  if (p > 0.9995) return fmt::format("{}1 - {:.2g}", before, probability_from_log_odds(-log_odds));
  return plain_threshold_text(before, p);
}

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

double score_of(const Threshold& threshold, const ThresholdUnit& unit, std::string_view policy, int32_t classes) {
  if (threshold.unit().empty() || threshold.unit() == kScore) return threshold.value();
  if (threshold.unit() != unit.name) {
    fail(Code::kInvalidArgument, "[policy] '{}' got a threshold of {} {}, expected one in its unit, {}, or a score",
         policy, threshold.value(), threshold.unit(), unit.name);
  }
  return to_score(threshold.value(), unit, classes);
}

double people_value(double score, const ThresholdUnit& unit, int32_t classes) {
  return unit.from_score == nullptr ? score : unit.from_score(score, classes);
}

std::string threshold_text(const ThresholdUnit& unit, double score, int32_t classes) {
  if (std::isinf(score)) return score < 0 ? "everybody" : "nobody";
  return unit.text == nullptr ? plain_threshold_text("score >= ", score) : unit.text(score, classes);
}

double parse_threshold(std::string_view flag, std::string_view text, const ThresholdUnit& unit, int32_t classes) {
  if (text == "inf" || text == "nobody") return kInfinity;
  if (text == "-inf" || text == "everybody") return -kInfinity;
  if (text.ends_with(kScore)) return parse_number(flag, without(text, kScore));
  const bool named = text.ends_with(unit.name);
  const std::string_view number = named ? without(text, unit.name) : text;
  if (unit.name == kProbability && number.starts_with(kFromOne)) {
    return -log_odds_from_probability(parse_number(flag, number.substr(kFromOne.size())));
  }
  const double value = parse_number(flag, number);
  if (unit.named && !named) {
    fail(Code::kInvalidArgument, "[policy] {} got {}, whose unit could be two; write {}{} or {}{}", flag, text, text,
         unit.name, text, kScore);
  }
  return to_score(value, unit, classes);
}

std::string threshold_argument(double score, const ThresholdUnit& unit, int32_t classes) {
  if (std::isinf(score)) return score > 0 ? "nobody" : "everybody";
  for (const std::string& text : candidates(score, unit, classes)) {
    // 0 and 1 would be everybody and nobody, nats below 0 nobody's.
    try {
      if (!text.empty() && same_bits(parse_threshold("", text, unit, classes), score)) return text;
    } catch (const Error&) {
      continue;
    }
  }
  return fmt::format("{}{}", score, kScore);
}

}  // namespace sooner
