// How much each exit counts in the ensemble of the exits so far (Zero Time Waste, Wolczyk et al. 2021): for every early
// exit k the weights w_{k,i} and biases b_k that minimise the mean negative log-likelihood of
//
//   log q_k = mean_{i <= k} exp(w_{k,i}) log p_i + b_k - log Z,   p_i = softmax(z_i / T_i)
//
// on labelled samples, plus a small quadratic penalty that keeps both finite where every answer is right. The last exit
// answers alone and is not fitted.
#pragma once

#include <span>

#include "policy/labelled_logits.h"

namespace sooner {

// Of a geometric mean.
struct EnsembleFit {
  NumberRows weights = {};  // [K-1][k+1]: w_{k,i}
  NumberRows biases = {};   // [K-1][C]: b_k
};

// temperatures: [K], or none for 1 everywhere. REQUIRES: classes.
EnsembleFit fit_ensemble(const LabelledLogits& samples, std::span<const double> temperatures);

}  // namespace sooner
