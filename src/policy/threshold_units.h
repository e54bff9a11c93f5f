// Thresholds in the units people use, and back: probabilities for max-prob, nats of entropy for entropy.
// Inside, and in files, a threshold stands on its policy's own score scale (larger is surer).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sooner {

// True for policies whose score is a probability as log-odds (max-prob, ensemble): people give them probabilities.
bool scores_log_odds(std::string_view policy_name);

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

// For tables and messages: "p >= 0.93", "H <= 0.21 nats", "g >= 0.5", "everybody", "nobody". classes 1: the model
// answers with a number.
std::string threshold_text(std::string_view policy_name, double threshold, int32_t classes);

}  // namespace sooner
