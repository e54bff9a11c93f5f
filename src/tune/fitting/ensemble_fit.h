// How much each exit counts in the ensemble of the exits so far (Zero Time Waste, Wolczyk et al. 2021): for every early
// exit k the weights w_{k,i} and biases b_k that minimise the mean negative log-likelihood of
//
//   log q_k = mean_{i <= k} exp(w_{k,i}) log p_i + b_k - log Z,   p_i = softmax(z_i / T_i)
//
// on the table, plus a small quadratic penalty that keeps both finite where every answer is right. The last exit
// answers alone and is not fitted.
#pragma once

#include "tune/tables/logit_table.h"

namespace sooner {

// Weights [K-1][k+1] and biases [K-1][C] for a geometric mean. spec: its temperatures count. REQUIRES: a valid table.
EnsembleSpec fit_ensemble(const LogitTable& table, const PolicySpec& spec);

}  // namespace sooner
