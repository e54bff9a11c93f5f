// Numbers that say how sure an answer is. Natural logs; computed in double from float logits, allocation-free.
//
// REQUIRES everywhere: at least two logits, temperature > 0. A NaN among the logits makes every score NaN.
#pragma once

#include <cstdint>
#include <span>

namespace sooner {

// The index of the largest logit, the first of equals.
int32_t argmax(std::span<const float> logits);

// 1 - H(p)/ln C, p = softmax(logits / temperature). In [0, 1].
double entropy_score(std::span<const float> logits, double temperature = 1);
// log(p_max / (1 - p_max)): max-prob as log-odds, since fp32 probabilities tie at 1. Finite for finite logits.
double max_prob_log_odds(std::span<const float> logits, double temperature = 1);
// Softmax probability of `label`, in float.
float softmax_probability(std::span<const float> logits, int32_t label, double temperature = 1);
// Largest probability minus second largest. In [0, 1].
double margin_score(std::span<const float> logits, double temperature = 1);

// The four gate scores (order in graph/graph.h: max p, H(p)/ln C, margin, H(q)/ln C).
void gate_scores(std::span<const float> logits, std::span<float, 4> scores);

}  // namespace sooner
