// How far two correct implementations of one network may differ on one input, derived from the network and the input.
//
// Every value is carried through the graph together with the variance of its rounding errors. Each operation adds its
// own and passes on what it was given:
//
//   stored result          (u x)^2                                  u: half a unit in the last place of the storage
//   sum of n products      u32^2 n (sum (w x)^2 + (sum w x)^2)      errors of n partial sums in fp32
//   rounded weights        uw^2 sum (w x)^2                         uw: of the weights' precision
//   passed on              sum w^2 var(x); for pooling the largest, for means the mean, of the deviations
//
// and in int8, where roundings are evenly spread over a step s (a variance of s^2 / 12):
//
//   stored map             s^2 / 12, and the square of what lies beyond the range and is cut off
//   rounded weights        t^2 / 12 sum x^2                         t: the step of the output channel's weights
//
// and the bound is kSigmas (in int8 kSigmasInt8) standard deviations of the sum of both sides' errors. This is the
// probabilistic form of error analysis (Higham and Mary, 2019): the worst case, where all errors of twenty layers
// conspire, would allow anything. Errors of neighbouring pixels are not independent (they share rounded weights), which
// the large kSigmas covers; docs beside its definition say what was measured.
#pragma once

#include <span>
#include <vector>

#include "core/dtype.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/quantisation.h"

namespace sooner {

// Bounds on absolute differences for one sample. K exits, C classes.
struct LogitTolerance {
  std::vector<double> logits;       // [K, C]
  std::vector<double> gate_logits;  // [K - 1], before the sigmoid; 0 where the exit has no gate
};

// image: [C, H, W]. The bound holds between a backend of `precision` and the fp32 reference; in fp32 and bf16 also
// between two backends of `precision`. int8 needs the `quantisation`, and takes weights of 7 bits to hold on every
// processor. Takes a few times as long as the reference backend. Throws what Backend::compile throws for weights that
// do not fit.
LogitTolerance logit_tolerance(const Graph& graph, const TensorMap& weights, std::span<const float> image,
                               Precision precision, const Quantisation* quantisation = nullptr);

}  // namespace sooner
