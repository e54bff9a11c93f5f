// The units people tell thresholds in, and back: probabilities for max-prob, nats of entropy for entropy. A policy has
// one, its row's (policy_kind.h), for command lines, files, tables and messages alike.
//
// A policy compares scores (larger is surer); what stands here is for those who tell and read thresholds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/threshold.h"

namespace sooner {

struct ThresholdUnit {
  // One word, as Threshold::unit(), in files and behind a number on the command line ("0.3nats").
  std::string name = "score";
  // Of finite numbers; null: the number is the score itself. to_score throws kInvalidArgument for what is none of the
  // unit, and may give an infinity (a probability of 1 is nobody's). classes: 1 for a model that answers with a number.
  double (*to_score)(double value, int32_t classes) = nullptr;
  double (*from_score)(double score, int32_t classes) = nullptr;
  // "g >= 0.5", of a finite score; null: "score >= 0.5".
  std::string (*text)(double score, int32_t classes) = nullptr;
  // Whether a bare number on the command line could as well be something else, so that its unit has to be named.
  bool named = false;
};

// Text of a threshold that is the score itself, `before` it: "g >= " and the number.
std::string plain_threshold_text(std::string_view before, double score);

// Log-odds for people: probabilities. Of max-prob, ensemble and whatever else scores the probability of an answer.
ThresholdUnit probability_unit(std::string (*text)(double score, int32_t classes));
// "p >= 0.93", near 1 "p >= 1 - 2e-09": the distance to 1 says more than nines do.
std::string probability_text(std::string_view before, double log_odds);

// log(p / (1 - p)); 0 gives -inf (everybody leaves), 1 gives +inf (nobody does). Throws kInvalidArgument outside [0,
// 1].
double log_odds_from_probability(double probability);
// 1 / (1 + exp(-log_odds)), in [0, 1]. Infinities are welcome.
double probability_from_log_odds(double log_odds);

// "Leave when H <= nats" as a score: 1 - nats / ln C. ln C nats or more is legal and means "always leave".
// Throws kInvalidArgument for negative or NaN nats and fewer than two classes.
double entropy_score_from_nats(double nats, int32_t classes);
// (1 - score) ln C; a score of -inf gives +inf nats. Throws kInvalidArgument for fewer than two classes.
double nats_from_entropy_score(double score, int32_t classes);

// The score of a threshold told in a unit of `policy`. Throws kInvalidArgument for one of another unit, naming the
// policy's, and what ThresholdUnit::to_score throws.
double score_of(const Threshold& threshold, const ThresholdUnit& unit, std::string_view policy, int32_t classes);
// A finite score as people tell it.
double people_value(double score, const ThresholdUnit& unit, int32_t classes);

// For tables and messages: "p >= 0.93", "H <= 0.21 nats", "g >= 0.5", "everybody", "nobody".
std::string threshold_text(const ThresholdUnit& unit, double score, int32_t classes);

// What a person wrote behind `flag`: a number of the unit, its name behind it or not ("0.9", "0.3nats"); in
// probabilities also "1-2e-9"; any score with "score" behind it ("2.2score"); "inf" or "nobody", "-inf" or "everybody".
// Throws kInvalidArgument naming the flag.
double parse_threshold(std::string_view flag, std::string_view text, const ThresholdUnit& unit, int32_t classes);

// What to write for exactly this score: parse_threshold gives the same bits. In the unit where that is possible.
std::string threshold_argument(double score, const ThresholdUnit& unit, int32_t classes);

}  // namespace sooner
